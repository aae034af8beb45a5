/**
 * The read models of this service: `executor.run`, one row for each run, and `executor.run_cache`,
 * one success for each bundle hash. Both in one, since what is judged is a run and what leaves the
 * cache is its hash.
 *
 * C1 The first success of a hash is kept.
 * C2 A hash leaves the cache when a run of it, the one that did the work or one that took its
 *    outputs, is judged red or its step fails. The next success enters again.
 */
import {
  canonicalJson,
  runEvents,
  type EvaluationCompleted,
  type RecordedEvent,
  type RunEvent,
} from '@writ/contracts';
import type { Projection } from '@writ/event-log';
import type { EntityManager } from 'typeorm';
import { isCacheable, outcomeOf, type CachedOutcome } from '../run-cache/cache-table';

export const RUN_PROJECTION = 'run';

export const runRows: Projection = {
  name: RUN_PROJECTION,
  schema: 'executor',
  tables: ['run', 'run_cache'],
  types: [...Object.keys(runEvents), 'EvaluationCompleted', 'StepFailed'],
  apply,
};

interface RunRow {
  run_id: string;
  directive_id: string;
  step: string;
  attempt: number;
  status: string;
  result: string | null;
  bundle_hash: string | null;
  claim: number;
  adapter: string | null;
  started_at: string | null;
  ended_at: string | null;
  version: number;
  position: number;
}

interface CacheRow {
  bundle_hash: string;
  run_id: string;
  directive_id: string;
  position: number;
  outcome: string;
}

const runColumns = [
  ['run_id', 'text'],
  ['directive_id', 'text'],
  ['step', 'text'],
  ['attempt', 'int'],
  ['status', 'text'],
  ['result', 'text'],
  ['bundle_hash', 'text'],
  ['claim', 'int'],
  ['adapter', 'text'],
  ['started_at', 'timestamptz'],
  ['ended_at', 'timestamptz'],
  ['version', 'int'],
  ['position', 'bigint'],
] as const satisfies readonly (readonly [keyof RunRow, string])[];

const cacheColumns = [
  ['bundle_hash', 'text'],
  ['run_id', 'text'],
  ['directive_id', 'text'],
  ['position', 'bigint'],
  ['outcome', 'text'],
] as const satisfies readonly (readonly [keyof CacheRow, string])[];

async function apply(events: readonly RecordedEvent[], tx: EntityManager): Promise<void> {
  const ofInterest = events.filter((event) => runIdOf(event) !== undefined);
  if (ofInterest.length === 0) return;
  const runs = await readRuns(ofInterest, tx);
  const before = new Map(runs);
  const steps = ofInterest.map((event) => ({ event, row: foldRun(runs, event) }));
  const hashes = steps.flatMap(({ row }) => row?.bundle_hash ?? []);
  const cache = await readCache([...new Set(hashes)], tx);
  const known = new Map(cache);
  for (const { event, row } of steps) foldCache(cache, event, row);
  await upsert('run', runColumns, changedOf(runs, before), tx);
  await upsert('run_cache', cacheColumns, changedOf(cache, known), tx);
  const gone = [...known.keys()].filter((hash) => !cache.has(hash));
  if (gone.length > 0) await tx.query('delete from run_cache where bundle_hash = any($1)', [gone]);
}

/** The run that an event says something about. */
function runIdOf({ stream, type, data }: RecordedEvent): string | undefined {
  if (stream.startsWith('run-')) return stream.slice('run-'.length);
  if (type === 'EvaluationCompleted') return (data as EvaluationCompleted).runId;
  if (type === 'StepFailed') return (data as { run: { runId: string } }).run.runId;
  return undefined;
}

async function readRuns(
  events: readonly RecordedEvent[],
  tx: EntityManager,
): Promise<Map<string, RunRow>> {
  const ids = [...new Set(events.map((event) => runIdOf(event) ?? ''))];
  const rows: RunRow[] = await tx.query('select * from run where run_id = any($1)', [ids]);
  return new Map(rows.map((row) => [row.run_id, row]));
}

async function readCache(
  hashes: readonly string[],
  tx: EntityManager,
): Promise<Map<string, CacheRow>> {
  if (hashes.length === 0) return new Map();
  const text = 'select * from run_cache where bundle_hash = any($1)';
  const rows: CacheRow[] = await tx.query(text, [hashes]);
  return new Map(rows.map((row) => [row.bundle_hash, row]));
}

/** The row after an event of its run, or as it is when the event is another's. */
function foldRun(rows: Map<string, RunRow>, recorded: RecordedEvent): RunRow | undefined {
  const runId = runIdOf(recorded) ?? '';
  const row = rows.get(runId);
  if (!recorded.stream.startsWith('run-')) return row;
  const event = recorded as unknown as RunEvent;
  const place = { version: recorded.version, position: recorded.position };
  let next: RunRow;
  if (event.type === 'RunAttemptFailed') {
    if (row === undefined) throw new Error(`${recorded.stream} has an attempt before its claim`);
    next = { ...row, ...place };
  } else {
    const { directiveId, step, attempt, claim, adapter, bundle, stages } = event.data;
    const ended = event.type === 'RunEnded';
    next = {
      ...{ run_id: runId, directive_id: directiveId, step, attempt, claim, ...place },
      status: ended ? 'complete' : 'processing',
      result: ended ? event.data.result : null,
      bundle_hash: bundle?.hash ?? row?.bundle_hash ?? null,
      adapter: adapter.kind,
      started_at: row?.started_at ?? stages[0]?.startedAt ?? recorded.recordedAt,
      ended_at: ended ? recorded.recordedAt : null,
    };
  }
  rows.set(runId, next);
  return next;
}

function foldCache(
  cache: Map<string, CacheRow>,
  { type, data, position }: RecordedEvent,
  run: RunRow | undefined,
): void {
  const hash = run?.bundle_hash;
  if (run === undefined || hash === undefined || hash === null) return;
  const known = cache.get(hash);
  const event = { type, data } as RunEvent;
  if (event.type === 'RunEnded') {
    if (!isCacheable(event.data) || known !== undefined) return; // C1
    const { run_id, directive_id } = run;
    const outcome = canonicalJson(outcomeOf(event.data));
    cache.set(hash, { bundle_hash: hash, run_id, directive_id, position, outcome });
    return;
  }
  const judged = type === 'EvaluationCompleted' ? (data as EvaluationCompleted) : undefined;
  if (judged?.confidence.level === 'red' || type === 'StepFailed') {
    if (run.result === 'success' || run.result === 'skipped') cache.delete(hash); // C2
  } else if (judged !== undefined && known?.run_id === run.run_id) {
    const outcome = {
      ...(JSON.parse(known.outcome) as CachedOutcome),
      confidence: judged.confidence,
    };
    cache.set(hash, { ...known, outcome: canonicalJson(outcome) });
  }
}

const changedOf = <R>(now: Map<string, R>, before: Map<string, R>): R[] =>
  [...now].filter(([key, row]) => before.get(key) !== row).map(([, row]) => row);

async function upsert<R extends object>(
  table: string,
  columns: readonly (readonly [keyof R & string, string])[],
  rows: readonly R[],
  tx: EntityManager,
): Promise<void> {
  if (rows.length === 0) return;
  const names = columns.map(([name]) => name);
  const arrays = columns.map(([, type], at) => `$${at + 1}::${type}[]`).join(', ');
  const updates = names.map((name) => `${name} = excluded.${name}`).join(', ');
  await tx.query(
    `insert into ${table} (${names.join(', ')}) select * from unnest(${arrays})
     on conflict (${names[0] ?? ''}) do update set ${updates}`,
    names.map((name) => rows.map((row) => row[name])),
  );
}
