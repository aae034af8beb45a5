/** Which runs of steps of a name have succeeded, the latest first: to be compared with another run. */
import type { Pool } from 'pg';

/** Further back the nearest one is hardly found, and each is read from the log. */
export const MOST_SUCCESSES = 20;

/** The ids of runs; `before` is a position of the log. */
export type SuccessesOfStep = (step: string, before: number) => Promise<string[]>;

/** By the read model, which may lag behind the log. */
export function successesInRows(pool: Pick<Pool, 'query'>): SuccessesOfStep {
  return async (step, before) => {
    const { rows } = await pool.query<{ run_id: string }>({
      name: 'successes-of-step',
      text: `select run_id from executor.run
        where step = $1 and result = 'success' and position < $2
        order by position desc limit $3`,
      values: [step, before, MOST_SUCCESSES],
    });
    return rows.map(({ run_id }) => run_id);
  };
}
