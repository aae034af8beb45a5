import { queries, subjects, type PlanDocument, type StepHistory } from '@writ/contracts';
import { MemoryBus, QueryError } from '@writ/messaging';
import { createLogger } from '@writ/observability';
import { People } from './people';
import { answerPlan } from './plan-directive';
import { sha256 } from './planner';

const logger = createLogger({ service: 'planner', instance: 'test', level: 'silent' });

let bus: MemoryBus;
let asked: number;
beforeEach(() => {
  const kept = new Map<string, Uint8Array>();
  const put = (bytes: Uint8Array) => {
    const digest = `sha256:${Buffer.from(sha256(Buffer.from(bytes).toString())).toString('hex')}`;
    kept.set(digest, bytes);
    return Promise.resolve(digest);
  };
  const get = (digest: string) => Promise.resolve(kept.get(digest) ?? Buffer.from(''));
  bus = new MemoryBus({ claimCheck: { put, get } });
  asked = 0;
});
afterEach(() => bus.drain(0));

const plan = (directive: unknown, people?: People): Promise<PlanDocument> =>
  answerPlan({ bus, people, logger }, { directive });

/** An executor on which every step took so long before. */
async function executorWith(more: Partial<StepHistory> = {}): Promise<void> {
  const { service, name, schema } = queries.history;
  const runs = [{ durationMs: 1_000, costUsd: 0.25, attempt: 1, hit: false }];
  await bus.answer(subjects.query(service, name), async (question) => {
    asked += 1;
    const { steps } = schema.parse(question);
    const told = steps.map((step) => {
      return { step: step.name, basis: 'step', runs, bundle: 'miss', ...more };
    });
    return { steps: told, programsAtATime: 4 };
  });
}

const step = (name: string, ...dependsOn: string[]) => ({
  ...{ name, dependsOn, adapter: { kind: 'echo' }, verify: 'none' },
});
const directive = (...steps: object[]) => ({ title: 't', goal: 'g', chain: { steps } });

test('a plan is shown with its forecast, layers, positions and coverage', async () => {
  await executorWith();
  const document = await plan({
    ...directive({ ...step('a'), requirementIds: ['R'] }, step('b', 'a')),
    requirements: [{ id: 'R', description: 'd' }],
    acceptanceCriteria: [{ id: 'C', criterion: 'c' }],
  });
  expect(document).toMatchObject({
    strategy: 'explicit',
    steps: [
      { name: 'a', layer: 0, forecast: { durationMs: { p50: 1_000 }, basis: 'step' } },
      { name: 'b', layer: 1 },
    ],
    issues: [{ code: 'criterion_not_covered', severity: 'warning' }],
    coverage: [{ requirementId: 'R', steps: ['a'] }],
    criteria: [{ criterionId: 'C', steps: [] }],
    forecast: { durationMs: { p50: 2_000, p90: 2_000 }, costUsd: { p50: 0.5 }, cacheHits: 0 },
  });
  expect(document.steps[1]?.position.x).toBeGreaterThan(document.steps[0]?.position.x ?? 0);
});

test('nobody is asked for the past of a plan with errors, which is shown with all of them', async () => {
  await executorWith();
  const document = await plan(directive(step('a', 'z'), step('b', 'y')));
  expect(document).toMatchObject({
    steps: [{ name: 'a' }, { name: 'b' }],
    issues: [{ code: 'unknown_dependency' }, { code: 'unknown_dependency' }],
    forecast: null,
    noForecast: 'there are errors to mend first',
  });
  const unreadable = await plan({ title: 't' });
  expect(unreadable).toMatchObject({ issues: [{ code: 'missing', path: '/goal' }], steps: [] });
  expect(asked).toBe(0);
});

test('without an executor there is no forecast, and it says so', async () => {
  expect(await plan(directive(step('a')))).toMatchObject({
    forecast: null,
    noForecast: expect.stringContaining('is the service executor running?') as string,
  });
});

test('an executor that fails takes the forecast away, not the plan', async () => {
  await bus.answer(subjects.query('executor', 'history'), () =>
    Promise.reject(new QueryError('busy', 'too much to do')),
  );
  expect(await plan(directive(step('a')))).toMatchObject({
    steps: [{ name: 'a' }],
    noForecast: expect.stringContaining('too much to do') as string,
  });
});

test('two thousand steps with long texts go to the executor and back', async () => {
  await executorWith();
  const description = 'x'.repeat(1_000);
  const names = Array.from({ length: 2_000 }, (_, at) => `step-${at}`);
  const document = await plan(directive(...names.map((name) => ({ ...step(name), description }))));
  expect(document.steps).toHaveLength(2_000);
  expect(document.forecast?.durationMs.p50).toBe(500_000);
});

test('the people of the installation are looked at', async () => {
  await executorWith();
  const people = People.parse('ann=reviewer');
  const wanted = { ...directive(step('a')), approvals: { roles: ['lead'] } };
  expect((await plan(wanted, people)).issues).toMatchObject([
    { code: 'nobody_to_approve', severity: 'warning' },
  ]);
  expect((await plan(wanted)).issues).toEqual([]);
});
