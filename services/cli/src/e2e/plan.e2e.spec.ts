/** A plan is looked at on a whole stack: what ran before is foreseen, and nothing is written. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlanDocument } from '@writ/contracts';
import { eventually, TestStack } from '@writ/testing';

let stack: TestStack;
beforeAll(async () => {
  stack = await TestStack.start();
}, 120_000);
afterAll(() => stack?.stop(), 60_000);

const shell = (script: string) => ({ kind: 'shell', script });
const sleeping = (name: string, seconds: number, more: object = {}) => ({
  ...{ name, adapter: shell(`sleep ${seconds}; echo ${name} > ${name}.txt`), verify: 'none' },
  ...{ outputs: [`${name}.txt`], cache: false },
  ...more,
});

function write(name: string, ...steps: object[]): string {
  const file = join(stack.home, `${name}.json`);
  writeFileSync(file, JSON.stringify({ title: 't', goal: 'g', chain: { steps } }));
  return file;
}

async function plan(file: string): Promise<{ code: number | null; document: PlanDocument }> {
  const { code, stdout } = await stack.writ(['plan', file, '--json']);
  return { code, document: JSON.parse(stdout) as PlanDocument };
}

async function headPosition(): Promise<number> {
  const { stdout } = await stack.writ(['log', 'verify', '--json']);
  return (JSON.parse(stdout) as { headPosition: number }).headPosition;
}

it('foresees the time of a directive that ran before, and what is in the cache', async () => {
  const file = write(
    'sleepers',
    sleeping('one', 0.6),
    sleeping('two', 0.4, { dependsOn: ['one'] }),
    sleeping('kept', 0.2, { cache: true }),
  );
  const before = await plan(file);
  expect(before).toMatchObject({ code: 0, document: { forecast: null, issues: [] } });
  expect((await stack.writ(['run', file])).code).toBe(0);
  const known = await eventually(
    async () => {
      const { document } = await plan(file);
      return document.forecast?.unknownSteps.length === 0 ? document : false;
    },
    { what: 'the runs to be in the history' },
  );
  const { forecast, steps } = known as PlanDocument;
  expect(forecast?.durationMs.p50).toBeGreaterThanOrEqual(1_000);
  expect(forecast?.durationMs.p50).toBeLessThan(3_000);
  expect(forecast?.cacheHits).toBe(1);
  expect(steps.map((step) => step.forecast?.cacheHit)).toEqual([
    { probability: 0, basis: 'bundle' },
    { probability: 0, basis: 'history' },
    { probability: 1, basis: 'bundle' },
  ]);
}, 60_000);

it('seed defect 18: a plan with one bad step is refused whole, and neither plan nor submit writes a thing', async () => {
  const names = Array.from({ length: 100 }, (_, at) => `s${at}`);
  const steps = names.map((name) => ({ name, adapter: { kind: 'echo' }, verify: 'none' }));
  const sound = write('sound', ...steps);
  const broken = write('broken', ...steps, {
    name: 'last',
    adapter: { kind: 'echo' },
    dependsOn: ['s100'],
  });
  const position = await headPosition();
  expect((await plan(sound)).code).toBe(0);
  const { code, document } = await plan(broken);
  expect([code, document.issues.map((issue) => issue.code)]).toEqual([1, ['unknown_dependency']]);
  const refused = await stack.writ(['submit', broken]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('"s100"');
  expect(await headPosition()).toBe(position);
}, 60_000);
