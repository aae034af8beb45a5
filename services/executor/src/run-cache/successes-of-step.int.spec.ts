import { Pool } from 'pg';
import { testDatabase, type TestDatabase } from '@writ/testing';
import { openDatabase } from '../database';
import { successesInRows } from './successes-of-step';

let database: TestDatabase;
let pool: ReturnType<typeof openDatabase>;
let admin: Pool;
beforeAll(async () => {
  database = await testDatabase();
  admin = new Pool({ connectionString: database.adminUrl });
  pool = openDatabase(database.urlFor('executor'));
});
afterAll(async () => {
  await pool.end();
  await admin.end();
  await database.drop();
});

it('finds the latest successes of steps of a name, and reads few of many runs for it', async () => {
  await admin.query(
    `insert into executor.run (run_id, directive_id, step, attempt, status, result, claim, version, position)
     select 'run-' || n, 'd', 's' || n % 1000, 1, 'complete',
       case when n % 3 = 0 then 'failed' else 'success' end, 1, 1, n
     from generate_series(1, 100000) as n`,
  );
  await admin.query('analyze executor.run');
  const successesOf = successesInRows(pool);
  const found = await successesOf('s7', 90_000);
  expect(found.slice(0, 3)).toEqual(['run-88007', 'run-87007', 'run-85007']);
  expect(found).toHaveLength(20);
  expect(await successesOf('another', 90_000)).toEqual([]);
  const { rows } = await admin.query<{ 'QUERY PLAN': string }>(
    `explain select run_id from executor.run
     where step = 's7' and result = 'success' and position < 90000 order by position desc limit 20`,
  );
  expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('run_success_of_step');
});
