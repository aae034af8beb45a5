/** The list of directives: the read model `planner.directive`, written by its projection only. */
import {
  directiveStatuses,
  finalStatuses,
  type ApprovalDocument,
  type DirectiveStatus,
  type DirectiveSummary,
  type RecordedEvent,
} from '@writ/contracts';
import type { Projection } from '@writ/event-log';
import type { DataSource, EntityManager } from 'typeorm';
import { documentOf, type ApprovalRow } from './approval-rows';
import { foldRow, type DirectiveRow } from './directive-row';

const columns = [
  ['id', 'text'],
  ['title', 'text'],
  ['status', 'text'],
  ['paused_from', 'text'],
  ['reason', 'text'],
  ['generation', 'int'],
  ['created_at', 'timestamptz'],
  ['started_at', 'timestamptz'],
  ['completed_at', 'timestamptz'],
  ['cost_usd', 'double precision'],
  ['version', 'int'],
  ['position', 'bigint'],
  ['branch', 'text'],
  ['commit_id', 'text'],
  ['criteria', 'text'],
] as const satisfies readonly (readonly [keyof DirectiveRow, string])[];

const times = ['created_at', 'started_at', 'completed_at'];
/** A time as the log writes it, whatever the session's time zone and date style are. */
const asWritten = (time: string) =>
  `to_char(${time} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
const selected = columns
  .map(([name]) => (times.includes(name) ? `${asWritten(name)} as ${name}` : name))
  .join(', ');

const idOf = (event: RecordedEvent) => event.stream.slice('directive-'.length);

export const directiveRows: Projection = {
  name: 'directive',
  schema: 'planner',
  tables: ['directive'],
  streamPrefixes: ['directive-'],
  apply: applyToRows,
};

/** Applies a batch of events in one read and one write. */
async function applyToRows(events: readonly RecordedEvent[], tx: EntityManager): Promise<void> {
  const known: DirectiveRow[] = await tx.query(
    `select ${selected} from directive where id = any($1)`,
    [[...new Set(events.map(idOf))]],
  );
  const rows = new Map(known.map((row) => [row.id, row]));
  for (const event of events) rows.set(idOf(event), foldRow(rows.get(idOf(event)), event));
  const changed = [...rows.values()];
  const names = columns.map(([name]) => name).join(', ');
  const arrays = columns.map(([, type], at) => `$${at + 1}::${type}[]`).join(', ');
  const updates = columns.map(([name]) => `${name} = excluded.${name}`).join(', ');
  await tx.query(
    `insert into directive (${names}) select * from unnest(${arrays})
     on conflict (id) do update set ${updates}`,
    columns.map(([name]) => changed.map((row) => row[name])),
  );
}

const unfinishedStatuses = directiveStatuses.filter(
  (status) => status !== 'draft' && !finalStatuses.includes(status),
);

export interface Unfinished {
  readonly ids: readonly string[];
  /** Of each, as far as the read model has come. */
  readonly versions?: readonly number[];
  /** What time it is in the database. */
  readonly now: string;
}

export class DirectiveRows {
  constructor(private readonly database: DataSource) {}

  /** Newest first; undefined when the directive to go on after is not there. */
  /** Archived ones only when they are asked for. */
  async list(asked: {
    status?: DirectiveStatus;
    limit: number;
    after?: string;
  }): Promise<DirectiveSummary[] | undefined> {
    const { status, limit, after } = asked;
    let from: string | null = null;
    if (after !== undefined) {
      const [known]: { created_at: string }[] = await this.database.query(
        `select ${asWritten('created_at')} as created_at from planner.directive where id = $1`,
        [after],
      );
      if (known === undefined) return undefined;
      from = known.created_at;
    }
    // The place is given as values, not as a query, so that the index leads to it.
    const rows: DirectiveRow[] = await this.database.query(
      `select ${selected} from planner.directive
       where (status = $1 or ($1::text is null and status <> 'archived'))
         and ($2::timestamptz is null or (created_at, id) < ($2::timestamptz, $3))
       order by planner.directive.created_at desc, id desc limit $4`,
      [status ?? null, from, after ?? null, limit],
    );
    const approvals = await this.approvalsOf(rows.map(({ id }) => id));
    return rows.map((row) => ({ ...summaryOf(row), approvals: approvals.get(row.id) ?? [] }));
  }

  private async approvalsOf(ids: readonly string[]): Promise<Map<string, ApprovalDocument[]>> {
    const rows: ApprovalRow[] = await this.database.query(
      `select directive_id, approval from planner.approval where directive_id = any($1)
       order by requested_at, id`,
      [ids],
    );
    const found = new Map<string, ApprovalDocument[]>();
    for (const row of rows) {
      found.set(row.directive_id, [...(found.get(row.directive_id) ?? []), documentOf(row)]);
    }
    return found;
  }

  /** The directives that may have work due, oldest first, and what time it is in the database. */
  async unfinished(): Promise<Unfinished> {
    const [found]: Unfinished[] = await this.database.query(
      `select coalesce(array_agg(id order by created_at, id), '{}') as ids,
         coalesce(array_agg(version order by created_at, id), '{}') as versions,
         ${asWritten('now()')} as now
       from planner.directive where status = any($1)`,
      [unfinishedStatuses], // named, so that the index finds them among all that have ended
    );
    return found ?? { ids: [], versions: [], now: '' };
  }

  /** What time it is in the database. */
  async now(): Promise<string> {
    const [found]: { now: string }[] = await this.database.query(
      `select ${asWritten('now()')} as now`,
    );
    return found?.now ?? '';
  }

  async countByStatus(): Promise<{ status: DirectiveStatus; count: number }[]> {
    return this.database.query(
      'select status, count(*)::int as count from planner.directive group by status',
    );
  }
}

function summaryOf(row: DirectiveRow): Omit<DirectiveSummary, 'approvals'> {
  return {
    id: row.id,
    title: row.title,
    status: row.status,
    ...(row.reason === null ? {} : { reason: row.reason }),
    generation: row.generation,
    createdAt: row.created_at,
    startedAt: row.started_at,
    completedAt: row.completed_at,
    costUsd: row.cost_usd,
    version: row.version,
    position: Number(row.position),
    criteria: JSON.parse(row.criteria) as DirectiveSummary['criteria'],
    workspace: { branch: row.branch, commit: row.commit_id },
  };
}
