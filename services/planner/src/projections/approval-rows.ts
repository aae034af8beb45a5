/** The approvals: the read model `planner.approval`, written by its projection only. */
import {
  approvalEvents,
  canonicalJson,
  type ApprovalDocument,
  type ApprovalEvent,
  type ApprovalStatus,
  type RecordedEvent,
} from '@writ/contracts';
import { approvalDocument, evolveApprovals, type Approval, type Approvals } from '@writ/domain';
import type { Projection } from '@writ/event-log';
import type { DataSource, EntityManager } from 'typeorm';

export interface ApprovalRow {
  readonly id: string;
  readonly directive_id: string;
  readonly status: ApprovalStatus;
  readonly requested_at: string;
  /** Canonical JSON of `Approval`. */
  readonly approval: string;
}

export const approvalRows: Projection = {
  name: 'approval',
  schema: 'planner',
  tables: ['approval'],
  streamPrefixes: ['directive-'],
  types: Object.keys(approvalEvents),
  apply: applyToRows,
};

const idOf = ({ data }: RecordedEvent) => (data as ApprovalEvent['data']).approvalId;

async function applyToRows(events: readonly RecordedEvent[], tx: EntityManager): Promise<void> {
  const ids = [...new Set(events.map(idOf))];
  const rows: ApprovalRow[] = await tx.query(
    'select id, directive_id, status, requested_at, approval from approval where id = any($1)',
    [ids],
  );
  const directives = new Map<string, string>();
  for (const row of rows) directives.set(row.id, row.directive_id);
  let approvals: Approvals = new Map(
    rows.map(({ id, approval }) => [id, JSON.parse(approval) as Approval]),
  );
  for (const event of events) {
    const { stream, recordedAt } = event;
    directives.set(idOf(event), stream.slice('directive-'.length));
    approvals = evolveApprovals(approvals, event as unknown as ApprovalEvent, recordedAt);
  }
  const changed = [...approvals];
  await tx.query(
    `insert into approval (id, directive_id, status, requested_at, approval)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[])
     on conflict (id) do update set directive_id = excluded.directive_id,
       status = excluded.status, requested_at = excluded.requested_at, approval = excluded.approval`,
    [
      changed.map(([id]) => id),
      changed.map(([id]) => directives.get(id)),
      changed.map(([, { status }]) => status),
      changed.map(([, { requestedAt }]) => requestedAt),
      changed.map(([, approval]) => storable(canonicalJson(approval))),
    ],
  );
}

/** A column takes no NUL, which may stand in what somebody wrote. */
const storable = (text: string) => text.replaceAll('\\u0000', '\\ufffd');

export const documentOf = (row: Pick<ApprovalRow, 'directive_id' | 'approval'>): ApprovalDocument =>
  approvalDocument(row.directive_id, JSON.parse(row.approval) as Approval);

export interface AskedApprovals {
  readonly status?: ApprovalStatus;
  readonly directiveId?: string;
  readonly limit: number;
}

export class ApprovalRows {
  constructor(private readonly database: DataSource) {}

  /** Those that have waited longest first. */
  async list({ status, directiveId, limit }: AskedApprovals): Promise<ApprovalDocument[]> {
    const rows: Pick<ApprovalRow, 'directive_id' | 'approval'>[] = await this.database.query(
      `select directive_id, approval from planner.approval
       where ($1::text is null or status = $1) and ($2::text is null or directive_id = $2)
       order by requested_at, id limit $3`,
      [status ?? null, directiveId ?? null, limit],
    );
    return rows.map(documentOf);
  }

  async countPending(): Promise<{ count: number; oldestSeconds: number }> {
    const [found]: { count: number; seconds: number }[] = await this.database.query(
      `select count(*)::int as count,
         coalesce(extract(epoch from now() - min(requested_at)), 0)::float8 as seconds
       from planner.approval where status = 'pending'`,
    );
    return { count: found?.count ?? 0, oldestSeconds: found?.seconds ?? 0 };
  }
}
