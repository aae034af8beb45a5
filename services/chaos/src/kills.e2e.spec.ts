/** Each service killed with -9 in the middle of fifty directives: it costs time, and nothing else. */
import { Stage } from './stage';

const directives = 50;
let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
}, 120_000);

afterAll(async () => {
  expect(await stage?.close()).toEqual([]);
}, 60_000);

it.each(['planner', 'executor', 'verifier', 'manifest', 'gateway'] as const)(
  'the %s killed in the middle of fifty directives costs no directive',
  async (name) => {
    const service = stage.harness.service(name);
    const { starts } = service;
    const ids = await stage.submitAll(directives, { quick: true });
    await stage.underWay(ids, directives);
    service.signal('SIGKILL');
    await stage.expectAllWell(ids);
    expect(service.starts).toBe(starts + 1);
  },
  180_000,
);
