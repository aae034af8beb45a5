/**
 * What a rebuild does about snapshots: it folds each stream that has one from its beginning, without it,
 * and compares, where it was taken and at the end of the stream. Those that would not count (N1 of
 * `snapshots.ts`) are not compared: they can do no harm.
 */
import { canonicalJson } from '@writ/contracts';
import type { Decider, SnapshotForm } from '@writ/domain';
import type { EventLog } from './event-log';
import type { SnapshotTable } from './snapshot-table';

export interface RebuildSnapshotsOptions<S> {
  readonly log: Pick<EventLog, 'readStream'>;
  readonly table: SnapshotTable;
  readonly form: SnapshotForm<S>;
  readonly decider: Pick<Decider<S, never, never>, 'initial' | 'evolve'>;
  /** Throws all of them away afterwards. Default: compares only. */
  readonly clear?: boolean;
}

export interface SnapshotsReport {
  readonly name: 'snapshot';
  readonly rows: number;
  readonly equal: boolean;
  /** The first stream whose snapshot is not what its events say. */
  readonly difference?: string;
  readonly events: number;
}

const NAMES = 1_000;
const PAGE = 2_000;

export async function rebuildSnapshots<S>(
  options: RebuildSnapshotsOptions<S>,
): Promise<SnapshotsReport> {
  const { table, clear = false } = options;
  let [rows, events] = [0, 0];
  let difference: string | undefined;
  for (let after = ''; ;) {
    const names = await table.streams(after, NAMES);
    for (const stream of names) {
      const compared = await compare(options, stream);
      rows += 1;
      events += compared.events;
      if (!compared.equal) difference ??= stream;
    }
    after = names.at(-1) ?? after;
    if (names.length < NAMES) break;
  }
  if (clear) await table.clear();
  const report = { name: 'snapshot', rows, equal: difference === undefined, events } as const;
  return difference === undefined ? report : { ...report, difference };
}

async function compare<S>(
  { log, table, form, decider }: RebuildSnapshotsOptions<S>,
  stream: string,
): Promise<{ equal: boolean; events: number }> {
  const kept = await table.read(stream);
  if (kept?.shape !== form.shape) return { equal: true, events: 0 };
  const textOf = (state: S) => canonicalJson(JSON.parse(form.write(state)));
  let state = decider.initial;
  let version = 0;
  let withSnapshot: S | undefined;
  for (let page = await log.readStream(stream, { limit: PAGE }); page.length > 0;) {
    for (const event of page) {
      state = decider.evolve(state, event);
      version = event.version;
      if (withSnapshot !== undefined) withSnapshot = decider.evolve(withSnapshot, event);
      if (version !== kept.version) continue;
      if (event.hash !== kept.hash) return { equal: true, events: version };
      withSnapshot = readOrNothing(form, kept.state);
      if (withSnapshot === undefined) return { equal: true, events: version };
      if (textOf(withSnapshot) !== textOf(state)) return { equal: false, events: version };
    }
    page = await log.readStream(stream, { afterVersion: version, limit: PAGE });
  }
  const equal = withSnapshot === undefined || textOf(withSnapshot) === textOf(state);
  return { equal, events: version };
}

/** One that cannot be read does not count. */
function readOrNothing<S>(form: SnapshotForm<S>, text: string): S | undefined {
  try {
    return form.read(text);
  } catch {
    return undefined;
  }
}
