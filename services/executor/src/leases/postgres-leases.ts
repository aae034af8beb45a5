/**
 * Leases in `executor.lease`. Commits are not waited for on disk: a lease lost in a crash of the
 * database is made good by the time that a fresh claim has anyway (see `run-step.ts`).
 */
import type { Pool } from 'pg';
import type { AcquiredLease, Lease, Leases } from './leases';

const LIVES_UNTIL = (ttl: string) => `clock_timestamp() + ${ttl} * interval '1 millisecond'`;

const ACQUIRE = `
insert into executor.lease as held (run_id, claim, executor_id, expires_at)
values ($1, 1, $2, ${LIVES_UNTIL('$3::double precision')})
on conflict (run_id) do update
  set claim = held.claim + 1, executor_id = excluded.executor_id, expires_at = excluded.expires_at
  where held.expires_at < clock_timestamp()
returning claim as token, claim > 1 as "tookOver", clock_timestamp() as now`;

const RENEW = `
update executor.lease as held set expires_at = ${LIVES_UNTIL('$4::double precision')}
from unnest($1::text[], $2::int[]) as ours (run_id, token)
where held.run_id = ours.run_id and held.claim = ours.token and held.executor_id = $3
returning held.run_id`;

const OURS = 'where run_id = $1 and claim = $2 and executor_id = $3';

export class PostgresLeases implements Leases {
  constructor(
    private readonly pool: Pick<Pool, 'query'>,
    private readonly executorId: string,
    readonly ttlMs: number,
  ) {}

  async acquire(runId: string): Promise<AcquiredLease | undefined> {
    const values = [runId, this.executorId, this.ttlMs];
    const { rows } = await this.pool.query<{ token: number; tookOver: boolean; now: Date }>({
      name: 'acquire-lease',
      text: ACQUIRE,
      values,
    });
    const [row] = rows;
    return row && { runId, ...row, now: row.now.toISOString() };
  }

  async renew(leases: readonly Lease[]): Promise<Set<string>> {
    if (leases.length === 0) return new Set();
    const runIds = leases.map(({ runId }) => runId);
    const tokens = leases.map(({ token }) => token);
    const { rows } = await this.pool.query<{ run_id: string }>({
      name: 'renew-leases',
      text: RENEW,
      values: [runIds, tokens, this.executorId, this.ttlMs],
    });
    return new Set(rows.map((row) => row.run_id));
  }

  async release({ runId, token }: Lease): Promise<void> {
    const values = [runId, token, this.executorId];
    await this.pool.query(`delete from executor.lease ${OURS}`, values);
  }

  async expire({ runId, token }: Lease): Promise<void> {
    const values = [runId, token, this.executorId];
    await this.pool.query(`update executor.lease set expires_at = '-infinity' ${OURS}`, values);
  }

  async living(runIds: readonly string[]): Promise<Set<string>> {
    const text =
      'select run_id from executor.lease where run_id = any($1) and expires_at >= clock_timestamp()';
    const { rows } = await this.pool.query<{ run_id: string }>(text, [runIds]);
    return new Set(rows.map((row) => row.run_id));
  }
}
