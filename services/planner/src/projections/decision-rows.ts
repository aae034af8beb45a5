/**
 * What the gate decided: the read model `planner.decision`, one row for each run that was judged, and
 * `planner.decision_context`, what is known of each directive while its events are read. Written by
 * its projection only.
 *
 * D1 An evaluation stands in the log before what is decided by it, so its checks are in the row by
 *    then.
 * D2 The first decision about a run stays (B2 of `gate-decisions.ts`).
 */
import {
  canonicalJson,
  type ApprovalEventData,
  type DirectiveEvent,
  type EvaluationCompleted,
  type RecordedEvent,
} from '@writ/contracts';
import {
  contextAfter,
  DECISION_EVENTS,
  decisionIn,
  runOfDecision,
  type DecisionContext,
  type GateDecision,
  type JudgedCheck,
} from '@writ/domain';
import type { Projection } from '@writ/event-log';
import type { DataSource, EntityManager } from 'typeorm';

export const decisionRows: Projection = {
  name: 'decision',
  schema: 'planner',
  tables: ['decision', 'decision_context'],
  streamPrefixes: ['directive-', 'evaluation-'],
  types: DECISION_EVENTS,
  apply: applyToRows,
};

interface DecisionRow {
  readonly run_id: string;
  readonly decision: string;
}

/** A run that was judged: what is decided, or by what it will be. */
type Judged = GateDecision | Pick<GateDecision, 'directiveId' | 'at' | 'position' | 'checks'>;
const isDecided = (judged: Judged): judged is GateDecision => 'outcome' in judged;

const directiveOf = ({ stream }: RecordedEvent) => stream.slice('directive-'.length);
const isOfDirective = ({ stream }: RecordedEvent) => stream.startsWith('directive-');

async function applyToRows(events: readonly RecordedEvent[], tx: EntityManager): Promise<void> {
  const contexts = await readContexts(events, tx);
  const judged = await readJudged(events, tx);
  const known = { contexts: new Map(contexts), judged: new Map(judged) };
  for (const event of events) {
    if (event.type === 'EvaluationCompleted') noteChecks(judged, event);
    else if (event.type === 'ApprovalResolved') noteWord(judged, event);
    else noteDecision(contexts, judged, event);
  }
  await writeContexts(changedOf(contexts, known.contexts), tx);
  await writeJudged(changedOf(judged, known.judged), tx);
}

/** D1 */
function noteChecks(judged: Map<string, Judged>, { data, recordedAt, position }: RecordedEvent) {
  const { runId, directiveId, checks } = data as EvaluationCompleted;
  if (judged.has(runId)) return;
  const counted = checks.map(({ name, kind, outcome, required, weight }): JudgedCheck => {
    return { name, kind, outcome, required, weight };
  });
  judged.set(runId, { directiveId, at: recordedAt, position, checks: counted });
}

function noteWord(judged: Map<string, Judged>, event: RecordedEvent): void {
  const asked = judged.get(runOfDecision(event) ?? '');
  if (asked === undefined || !isDecided(asked)) return;
  const { decision, by, reason } = event.data as ApprovalEventData<'ApprovalResolved'>;
  const said = { decision, by, ...(reason === undefined ? {} : { reason }) };
  judged.set(asked.runId, { ...asked, said });
}

function noteDecision(
  contexts: Map<string, DecisionContext>,
  judged: Map<string, Judged>,
  event: RecordedEvent,
): void {
  const id = directiveOf(event);
  const before = contexts.get(id);
  const after = contextAfter(before, event as unknown as DirectiveEvent);
  if (after !== undefined && after !== before) contexts.set(id, after);
  const runId = runOfDecision(event);
  if (before === undefined || runId === null) return;
  const known = judged.get(runId);
  if (known !== undefined && isDecided(known)) return; // D2
  const decision = decisionIn(event, before, known?.checks ?? null);
  if (decision !== undefined) judged.set(runId, decision);
}

const changedOf = <V>(now: Map<string, V>, before: Map<string, V>): [string, V][] =>
  [...now].filter(([key, value]) => before.get(key) !== value);

async function readContexts(
  events: readonly RecordedEvent[],
  tx: EntityManager,
): Promise<Map<string, DecisionContext>> {
  const ids = [...new Set(events.filter(isOfDirective).map(directiveOf))];
  const rows: { id: string; context: string }[] = await tx.query(
    'select id, context from decision_context where id = any($1)',
    [ids],
  );
  return new Map(rows.map(({ id, context }) => [id, JSON.parse(context) as DecisionContext]));
}

async function readJudged(
  events: readonly RecordedEvent[],
  tx: EntityManager,
): Promise<Map<string, Judged>> {
  const ids = [...new Set(events.map(runOfDecision))].filter((id) => id !== null);
  const rows: DecisionRow[] = await tx.query(
    'select run_id, decision from decision where run_id = any($1)',
    [ids],
  );
  return new Map(rows.map((row) => [row.run_id, JSON.parse(row.decision) as Judged]));
}

async function writeContexts(
  changed: readonly [string, DecisionContext][],
  tx: EntityManager,
): Promise<void> {
  if (changed.length === 0) return;
  await tx.query(
    `insert into decision_context (id, context) select * from unnest($1::text[], $2::text[])
     on conflict (id) do update set context = excluded.context`,
    [changed.map(([id]) => id), changed.map(([, context]) => storable(context))],
  );
}

async function writeJudged(changed: readonly [string, Judged][], tx: EntityManager): Promise<void> {
  if (changed.length === 0) return;
  const values = changed.map(([, judged]) => judged);
  await tx.query(
    `insert into decision (run_id, directive_id, at, position, outcome, decision)
     select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[], $5::text[], $6::text[])
     on conflict (run_id) do update set directive_id = excluded.directive_id, at = excluded.at,
       position = excluded.position, outcome = excluded.outcome, decision = excluded.decision`,
    [
      changed.map(([runId]) => runId),
      values.map(({ directiveId }) => directiveId),
      values.map(({ at }) => at),
      values.map(({ position }) => position),
      values.map((it) => (isDecided(it) ? it.outcome : null)),
      values.map(storable),
    ],
  );
}

/** A column takes no NUL, which may stand in what somebody wrote. */
const storable = (value: unknown) => canonicalJson(value).replaceAll('\\u0000', '\\ufffd');

export interface AskedDecisions {
  readonly since?: string;
  /** Above this position only. */
  readonly after: number;
  readonly limit: number;
}

export class DecisionRows {
  constructor(private readonly database: DataSource) {}

  /** In order of position. */
  async page({ since, after, limit }: AskedDecisions): Promise<GateDecision[]> {
    const rows: Pick<DecisionRow, 'decision'>[] = await this.database.query(
      `select decision from planner.decision
       where outcome is not null and position > $1 and ($2::timestamptz is null or at >= $2)
       order by position limit $3`,
      [after, since ?? null, limit],
    );
    return rows.map(({ decision }) => JSON.parse(decision) as GateDecision);
  }

  /** Of these runs, in order of position. */
  async ofRuns(runIds: readonly string[]): Promise<GateDecision[]> {
    const rows: Pick<DecisionRow, 'decision'>[] = await this.database.query(
      `select decision from planner.decision
       where run_id = any($1) and outcome is not null order by position`,
      [runIds],
    );
    return rows.map(({ decision }) => JSON.parse(decision) as GateDecision);
  }
}
