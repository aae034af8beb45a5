/**
 * The read model `executor.step_history`: how long steps took and what they cost, for forecasts. One
 * row for each key with the latest runs of it, so that it stays small however much was run.
 *
 * H1 A key is a step with its very adapter, or a kind of adapter with a type of step.
 * H2 What is answered in this process takes no time whatever it is told, so it is kept by its kind
 *    only: its keys would be as many as its runs.
 * H3 A run that was cancelled, or failed before its input was known, says nothing about the next.
 */
import {
  canonicalJson,
  type Adapter,
  type PastRun,
  type RecordedEvent,
  type RunEnded,
} from '@writ/contracts';
import type { Projection } from '@writ/event-log';
import type { EntityManager } from 'typeorm';
import type { Database } from '../database';
import { digestOfText } from '../stages/digest-of-text';

/** Of each key. */
export const KEPT_RUNS = 50;

export const stepHistory: Projection = {
  name: 'step_history',
  schema: 'executor',
  tables: ['step_history'],
  streamPrefixes: ['run-'],
  types: ['RunEnded'],
  apply,
};

interface Row {
  readonly key: string;
  /** Canonical JSON: `[durationMs, costUsd, attempt, hit]` of each, the latest first. */
  readonly runs: string;
}
type Kept = [durationMs: number, costUsd: number, attempt: number, hit: 0 | 1];

const IN_PROCESS: ReadonlySet<string> = new Set(['echo']);

/** H1: of a step as it is planned; undefined where only its kind is kept (H2). */
export function stepKeyOf(step: string, { kind, ...command }: Adapter): string | undefined {
  return stepKey(step, kind, digestOfText(canonicalJson(command)));
}

const stepKey = (step: string, kind: string, command: string) =>
  IN_PROCESS.has(kind) ? undefined : `step/${kind}/${step}/${command}`;

export const kindKeyOf = (kind: string, stepType: string): string => `kind/${kind}/${stepType}`;

/** The digest of the command is a component of the bundle, so nothing has to be read beside it. */
function keysOf({ step, stepType, adapter, bundle }: RunEnded): string[] {
  const command = bundle?.components['command'];
  const own = command === undefined ? undefined : stepKey(step, adapter.kind, command);
  const kind = stepType === undefined ? undefined : kindKeyOf(adapter.kind, stepType);
  return [own, kind].filter((key) => key !== undefined);
}

function keptOf({ durationMs, usage, attempt, result, bundle }: RunEnded): Kept | undefined {
  if (bundle === undefined || result === 'cancelled') return undefined; // H3
  const hit = result === 'skipped';
  return [durationMs, hit ? 0 : (usage?.costUsd ?? 0), attempt, hit ? 1 : 0];
}

async function apply(events: readonly RecordedEvent[], tx: EntityManager): Promise<void> {
  const ends = events.map(({ data }) => data as RunEnded);
  const keys = [...new Set(ends.flatMap(keysOf))];
  if (keys.length === 0) return;
  const rows: Row[] = await tx.query('select key, runs from step_history where key = any($1)', [
    keys,
  ]);
  const known = new Map(rows.map(({ key, runs }) => [key, JSON.parse(runs) as Kept[]]));
  for (const ended of ends) {
    const kept = keptOf(ended);
    if (kept === undefined) continue;
    for (const key of keysOf(ended)) {
      known.set(key, [kept, ...(known.get(key) ?? [])].slice(0, KEPT_RUNS));
    }
  }
  const changed = [...known];
  if (changed.length === 0) return;
  await tx.query(
    `insert into step_history (key, runs) select * from unnest($1::text[], $2::text[])
     on conflict (key) do update set runs = excluded.runs`,
    [changed.map(([key]) => key), changed.map(([, runs]) => canonicalJson(runs))],
  );
}

export class StepHistoryRows {
  constructor(private readonly database: Pick<Database, 'query'>) {}

  /** The latest first, of those keys of which there are any. */
  async runsOf(keys: readonly string[]): Promise<ReadonlyMap<string, readonly PastRun[]>> {
    const text = 'select key, runs from executor.step_history where key = any($1)';
    const { rows } = await this.database.query<Row>(text, [[...new Set(keys)]]);
    return new Map(
      rows.map(({ key, runs }) => [key, (JSON.parse(runs) as Kept[]).map(pastRunOf)] as const),
    );
  }
}

const pastRunOf = ([durationMs, costUsd, attempt, hit]: Kept): PastRun => ({
  ...{ durationMs, costUsd, attempt },
  hit: hit === 1,
});
