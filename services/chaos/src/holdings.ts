/**
 * What a stack holds on to when nothing is to be done: descriptors, sessions of the database, streams
 * and consumers, files that were meant for a while. Looked at before the storm and after it; whatever
 * grew meanwhile, and does not go away again, is a leak.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { streams } from '@writ/contracts';
import { eventually } from '@writ/testing';
import { Client } from 'pg';
import type { Harness } from './harness';
import { whatIsHeld } from './jetstream';

export interface Holdings {
  readonly counts: ReadonlyMap<string, number>;
  /** Streams and consumers: they have to be the same ones, no more and no fewer. */
  readonly names: ReadonlySet<string>;
}

/**
 * Pools open connections when several are needed at once and keep some of them, and the runtime opens
 * a descriptor or two for what it does the first time.
 */
const SLACK: Readonly<Record<string, number>> = { socket: 10, sessions: 20, entries: 0 };
const OTHER_SLACK = 4;
const SETTLE_LIMIT_MS = 30_000;

export async function holdingsOf(harness: Harness): Promise<Holdings> {
  const counts = new Map<string, number>();
  for (const { name, pid } of harness.services.values()) {
    for (const [kind, count] of descriptorsOf(pid)) counts.set(`${kind} of ${name}`, count);
  }
  const client = new Client({ connectionString: harness.postgres.url });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string; count: string }>(
      `select usename as name, count(*) from pg_stat_activity
       where usename like 'writ\\_%' group by usename`,
    );
    for (const { name, count } of rows) counts.set(`sessions of ${name}`, Number(count));
  } finally {
    await client.end();
  }
  for (const [folder, count] of entriesIn(harness.home)) counts.set(`entries of ${folder}`, count);
  const held = await whatIsHeld(harness);
  const names = [
    ...held.streams.map(({ config }) => `stream ${config.name}`),
    ...held.consumers.map((it) => `consumer ${it.stream_name}/${it.name}`),
  ];
  return { counts, names: new Set(names) };
}

/** Whatever is more than it was, once it had time to go away. One line each. */
export async function leakedSince(before: Holdings, harness: Harness): Promise<string[]> {
  let found: string[] = [];
  const look = async () => {
    found = grown(before, await holdingsOf(harness));
    return found.length === 0;
  };
  const what = 'everything to be given back';
  await eventually(look, { what, timeoutMs: SETTLE_LIMIT_MS, every: 1_000 }).catch(
    (error: Error) => {
      if (found.length === 0) found = [`nobody can say what is left: ${error.message}`];
    },
  );
  return found;
}

/** It is made again by whoever has something for it; nobody listens to it. */
const lazy = `stream ${streams.dead.name}`;

export function grown(before: Holdings, after: Holdings): string[] {
  const more = [...after.counts].flatMap(([name, count]) => {
    const had = before.counts.get(name) ?? 0;
    const slack = SLACK[name.split(' ')[0]!] ?? OTHER_SLACK;
    return count <= had + slack ? [] : [`${name}: ${had} before, ${count} after`];
  });
  const strange = [...after.names].filter((name) => !before.names.has(name));
  const missing = [...before.names].filter((name) => !after.names.has(name) && name !== lazy);
  return [
    ...more,
    ...strange.map((name) => `${name} was not there before`),
    ...missing.map((name) => `${name} is there no more`),
  ];
}

/** Kind (socket, pipe, file, ...) -> how many. */
function descriptorsOf(pid: number | undefined): Map<string, number> {
  const counts = new Map<string, number>();
  if (pid === undefined) return counts;
  const folder = `/proc/${pid}/fd`;
  for (const fd of readdirSync(folder)) {
    const kind = kindOf(join(folder, fd));
    if (kind !== undefined) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

function kindOf(path: string): string | undefined {
  try {
    const target = readlinkSync(path);
    return target.startsWith('/') ? 'files' : target.split(':')[0]!.replace('anon_inode', 'event');
  } catch {
    return undefined; // closed since
  }
}

/** Folders in which services keep things for a while -> how many are there. */
function entriesIn(home: string): Map<string, number> {
  const own = readdirSync(join(home, 'data')).flatMap((name) =>
    ['runs', 'workspaces', 'pipes', 'snapshots'].map((it) => `data/${name}/${it}`),
  );
  const folders = ['tmp', 'content/tmp', ...own].filter((it) => existsSync(join(home, it)));
  return new Map(folders.map((it) => [it, readdirSync(join(home, it)).length]));
}

/** Children of services that ended and that nobody has asked after. */
export function zombies(harness: Harness): string[] {
  const parents = new Map(
    [...harness.services.values()].map(({ pid, name }) => [String(pid), name] as const),
  );
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state, parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const of = parents.get(parent);
      return state === 'Z' && of !== undefined ? [`process ${pid} of ${of} is a zombie`] : [];
    } catch {
      return []; // gone since
    }
  });
}
