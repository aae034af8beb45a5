/** The stack of a folder: whether it is there, whole and ready. */
import { isPortFree, isSameProcessAlive } from '@writ/embedded-servers';
import { Client } from 'pg';

import { readStackFile, type StackFile } from '../find-stack';
import { readNote } from '../local/claim-home';
import { readJsonFile } from '../local/keep-json';
import { stackHome } from '../local/stack-home';
import type { Finding } from './finding';

const CLOCK_TOLERANCE_MS = 2_000;

export async function lookAtStack(home: string): Promise<Finding[]> {
  const check = 'stack';
  const file = readStackFile(home);
  const note = readNote(stackHome(home));
  if (note !== undefined && !isSameProcessAlive(note.supervisor)) {
    const found = `its supervisor (process ${note.supervisor.pid}) is gone`;
    return [
      {
        check,
        level: 'error',
        found,
        cure: '"writ down" ends what it left, "writ up" starts anew',
      },
    ];
  }
  if (file === undefined) {
    return [
      { check, level: 'ok', found: `none runs in ${home}; "writ up" starts one` },
      ...(await ports(home)),
    ];
  }
  return Promise.all([...readiness(file), clock(file)]);
}

/** Ports that were kept and are taken now are chosen anew: worth a note, no more. */
async function ports(home: string): Promise<Finding[]> {
  const kept = (readJsonFile(stackHome(home).portsFile) ?? {}) as Record<string, number>;
  const taken: string[] = [];
  for (const [name, port] of Object.entries(kept)) {
    if (!(await isPortFree(port))) taken.push(`${port} of ${name}`);
  }
  if (taken.length === 0) return [];
  const cure = 'others are chosen at the next start';
  return [{ check: 'ports', level: 'warning', found: `taken: ${taken.join(', ')}`, cure }];
}

function readiness({ processes }: StackFile): Promise<Finding>[] {
  return Object.entries(processes).flatMap(([name, { httpUrl }]) => {
    if (httpUrl === undefined) return [];
    const cure = `look into its log, logs/${name}.log in WRIT_HOME`;
    const finding = async (): Promise<Finding> => {
      try {
        const response = await fetch(`${httpUrl}/readyz`, { signal: AbortSignal.timeout(3_000) });
        if (response.ok) return { check: name, level: 'ok', found: 'ready' };
        const found = `not ready: ${(await response.text()).slice(0, 300)}`;
        return { check: name, level: 'error', found, cure };
      } catch (error) {
        return {
          check: name,
          level: 'error',
          found: `does not answer: ${(error as Error).message}`,
          cure,
        };
      }
    };
    return [finding()];
  });
}

/** Leases and order follow the database's clock alone; people compare it with theirs. */
async function clock({ databaseUrl }: StackFile): Promise<Finding> {
  const check = 'clock';
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 3_000 });
  try {
    await client.connect();
    const asked = 'select extract(epoch from clock_timestamp()) * 1000 as ms';
    const { rows } = await client.query<{ ms: string }>(asked);
    const off = Math.abs(Number(rows[0]?.ms) - Date.now());
    if (off <= CLOCK_TOLERANCE_MS)
      return { check, level: 'ok', found: "agrees with the database's" };
    const found = `${Math.round(off / 1000)} s off the database's`;
    return { check, level: 'warning', found, cure: 'set it by NTP' };
  } catch (error) {
    const found = `the database does not answer: ${(error as Error).message}`;
    return {
      check: 'database',
      level: 'error',
      found,
      cure: 'look into logs/postgres.log in WRIT_HOME',
    };
  } finally {
    await client.end().catch(() => undefined); // it may never have been connected
  }
}
