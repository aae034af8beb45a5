/** Each point in the life of a step, once; `npm run kill-points` is the long form. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { allRows, shortRows } from './rows';
import { runKillPoints, type KillPointsResult } from './run-kill-points';

/** Many times what it takes on a machine that does nothing else. */
const LIMIT_MS = 600_000;
const SIMULATED_SEEDS = 40;
/**
 * Of folders and their files, which nobody has in the simulator, the diff of a run with them; of
 * schedules and rules, which it leaves out; and what the relay sends, which is whatever its writer could
 * not, of any type.
 */
const onlyReal = new RegExp(
  '\\.(content\\.(openRead|close)|lease\\.living)$|^manifest\\.(before|after)\\.send\\.' +
    '|^executor\\.(before|after)\\.content\\.put$|^planner\\.(before|after)\\.rows\\.(live|toWatch)$',
);

let result: KillPointsResult;
let simulated: string[];

beforeAll(async () => {
  const tell = () => undefined; // it is all in the result
  result = await runKillPoints({ rows: shortRows, hits: 1, seed: 1, tell });
  simulated = await pointsOfTheSimulator();
}, LIMIT_MS);

const services = join(__dirname, '..', '..', '..');

async function pointsOfTheSimulator(): Promise<string[]> {
  const main = join(services, 'simulator', 'dist', 'main.js');
  const argv = [main, '--seeds', String(SIMULATED_SEEDS), '--json'];
  const options = { timeout: LIMIT_MS, maxBuffer: 16 * 1024 * 1024 };
  const { stdout } = await promisify(execFile)(process.execPath, argv, options);
  return (JSON.parse(stdout) as { points: string[] }).points;
}

test.each(shortRows.map((row, at) => ({ ...row, name: `${row.point} at ${row.at}`, number: at })))(
  '$name: $follows',
  ({ number, at }) => {
    const tried = result.rows[number];
    expect(tried).toMatchObject({ at: `${at}#1`, broken: [], invalid: [] });
    expect(tried?.directives).toBeGreaterThan(0);
  },
);

test('every point in the life of a step has its row, but for what does not exist yet', () => {
  const points = Array.from({ length: 18 }, (_, number) => `KP${String(number).padStart(2, '0')}`);
  const rowless = points.filter((point) => !shortRows.some((row) => row.point === point));
  expect(rowless).toEqual(['KP04', 'KP08', 'KP13', 'KP16']);
});

test('nothing is broken for which no row is to blame, and nobody fell unasked', () => {
  expect(result.broken).toEqual([]);
  expect(result.verdict).toBe('green');
});

test('every point of the rows has the same name in the simulator', () => {
  expect(allRows.map(({ at }) => at).filter((at) => !simulated.includes(at))).toEqual([]);
});

test('every point that the processes came by is one that the simulator comes by, or a known one', () => {
  expect(
    result.points.filter((point) => !simulated.includes(point) && !onlyReal.test(point)),
  ).toEqual([]);
});

test('a plan that is none ends the start of a service, which says what one looks like', async () => {
  const env = {
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing',
    NATS_URL: 'nats://127.0.0.1:1',
    WRIT_CONTENT_DIR: join(__dirname, 'nowhere'),
    WRIT_FAILPOINTS: 'planner.after.append.StepPassed=explode',
  };
  const starting = promisify(execFile)(
    process.execPath,
    [join(services, 'planner', 'bundle', 'main.js')],
    { env },
  );
  await expect(starting).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^planner: WRIT_FAILPOINTS: .*explode.* for example, executor\./),
  });
});
