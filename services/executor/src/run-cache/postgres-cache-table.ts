/** The run cache in PostgreSQL: one round trip for all questions that come together. */
import type { Pool } from 'pg';
import { AskTogether } from '@writ/service-host';
import type {
  CacheAnswer,
  CachedOutcome,
  CacheQuestion,
  CacheTable,
  Reservation,
} from './cache-table';

const ASK = `
with asked as (
  select * from unnest($1::text[], $2::text[], $3::boolean[])
    with ordinality as asked (hash, run_id, reserve, place)
), hit as (
  select asked.place, known.run_id, known.outcome
  from asked join executor.run_cache known on known.bundle_hash = asked.hash
), taken as (
  insert into executor.reservation as held (bundle_hash, run_id, executor_id, expires_at)
  select distinct on (hash) hash, run_id, $4,
    clock_timestamp() + $5::double precision * interval '1 millisecond'
  from asked where reserve and not exists (select from hit where hit.place = asked.place)
  order by hash, place
  on conflict (bundle_hash) do update
    set run_id = excluded.run_id, executor_id = excluded.executor_id, expires_at = excluded.expires_at
    where held.expires_at < clock_timestamp() or held.run_id = excluded.run_id
  returning bundle_hash, run_id
)
select hit.run_id as hit, hit.outcome, taken.run_id as taken, held.run_id as held
from asked
  left join hit on hit.place = asked.place
  left join taken on taken.bundle_hash = asked.hash
  left join executor.reservation held on held.bundle_hash = asked.hash
order by asked.place`;

/** When nobody wants to reserve anything there is nothing to write. */
const LOOK = `
select asked.place::int as place, known.run_id as hit, known.outcome
from unnest($1::text[]) with ordinality as asked (hash, place)
  join executor.run_cache known on known.bundle_hash = asked.hash`;

interface Row {
  hit: string | null;
  outcome: string | null;
  taken: string | null;
  /** As it was before this statement. */
  held: string | null;
}

export interface PostgresCacheTableOptions {
  readonly pool: Pick<Pool, 'query'>;
  readonly executorId: string;
  readonly ttlMs: number;
  /** The read model's name among the checkpoints. */
  readonly projection: string;
}

export class PostgresCacheTable implements CacheTable {
  private readonly together = new AskTogether((questions: readonly CacheQuestion[]) =>
    this.askAll(questions),
  );

  constructor(private readonly options: PostgresCacheTableOptions) {}

  ask(question: CacheQuestion): Promise<CacheAnswer> {
    return this.together.ask(question);
  }

  async renew(reservations: readonly Reservation[]): Promise<void> {
    await this.each(
      reservations,
      `update executor.reservation as held
       set expires_at = clock_timestamp() + $3::double precision * interval '1 millisecond'
       from unnest($1::text[], $2::text[]) as ours (hash, run_id)
       where held.bundle_hash = ours.hash and held.run_id = ours.run_id`,
      [this.options.ttlMs],
    );
  }

  async release(reservations: readonly Reservation[]): Promise<void> {
    await this.each(
      reservations,
      `delete from executor.reservation as held using unnest($1::text[], $2::text[]) as ours (hash, run_id)
       where held.bundle_hash = ours.hash and held.run_id = ours.run_id`,
      [],
    );
  }

  async position(): Promise<number> {
    const text = 'select position from executor.checkpoint where name = $1';
    const { rows } = await this.options.pool.query<{ position: string }>(text, [
      this.options.projection,
    ]);
    return Number(rows[0]?.position ?? 0);
  }

  private async askAll(questions: readonly CacheQuestion[]): Promise<CacheAnswer[]> {
    const { pool, executorId, ttlMs } = this.options;
    const hashes = questions.map(({ hash }) => hash);
    if (!questions.some(({ reserve }) => reserve)) {
      const looking = { name: 'look-cache', text: LOOK, values: [hashes] };
      const { rows } = await pool.query<Pick<Row, 'hit' | 'outcome'> & { place: number }>(looking);
      const found = new Map(rows.map((row) => [row.place, { ...row, taken: null, held: null }]));
      return questions.map((question, at) => answerOf(question, found.get(at + 1)));
    }
    const runIds = questions.map(({ runId }) => runId);
    const reserves = questions.map(({ reserve }) => reserve);
    const values = [hashes, runIds, reserves, executorId, ttlMs];
    const { rows } = await pool.query<Row>({ name: 'ask-cache', text: ASK, values });
    return questions.map((question, at) => answerOf(question, rows[at]));
  }

  private async each(
    reservations: readonly Reservation[],
    text: string,
    more: readonly unknown[],
  ): Promise<void> {
    if (reservations.length === 0) return;
    const hashes = reservations.map(({ hash }) => hash);
    const runIds = reservations.map(({ runId }) => runId);
    await this.options.pool.query(text, [hashes, runIds, ...more]);
  }
}

function answerOf({ runId, reserve }: CacheQuestion, row: Row | undefined): CacheAnswer {
  const hit = row?.hit ?? undefined;
  if (hit !== undefined) {
    const outcome = JSON.parse(row?.outcome ?? '{}') as CachedOutcome;
    return { kind: 'hit', runId: hit, outcome };
  }
  if (!reserve || row?.taken === runId) return { kind: 'miss' };
  // Reserved by somebody within the last moment: who, the next question will say.
  return { kind: 'held', by: row?.taken ?? row?.held ?? undefined };
}
