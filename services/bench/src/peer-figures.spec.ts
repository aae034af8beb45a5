import { comparisonOf, linesOf } from './peer-figures';

const printed = `
restate ready in 900 ms
{"bench":"restate-chain","wf":"chain","D":100,"steps_s":4000}
{"bench":"restate-chain","wf":"chaincall","D":100,"steps_s":1600}
{"bench":"restate-chain","wf":"chaincall","D":500,"steps_s":1800}
{"bench":"dbos-single","ms_per_step":1.5}
{"no":"figure"}
`;

test('talk among the figures is passed over', () => {
  expect(linesOf(printed).map(({ bench }) => bench)).toEqual([
    'restate-chain',
    'restate-chain',
    'restate-chain',
    'dbos-single',
  ]);
});

test('a rate stands beside the same rate of the same size, and more is better', () => {
  const own = {
    job: 'chain',
    parameters: { directives: 100, steps: 10 },
    result: { stepsPerSecond: 2_000 },
  };
  expect(comparisonOf([own], linesOf(printed))).toEqual([
    {
      figure: 'chain of 100',
      unit: 'steps/s',
      writ: 2_000,
      peers: [
        { name: 'restate, in the handler', value: 4_000, ratio: 0.5 },
        { name: 'restate, by calls', value: 1_600, ratio: 1.25 },
      ],
    },
  ]);
});

test('of a latency less is better', () => {
  const latencyMs = { p50: 3, p99: 4, max: 5 };
  const own = {
    job: 'single',
    parameters: { steps: 10 },
    result: { latencyMs, stepsPerSecond: 9 },
  };
  expect(comparisonOf([own], linesOf(printed))).toMatchObject([
    { unit: 'ms a step', writ: 3, peers: [{ name: 'dbos, in process', value: 1.5, ratio: 0.5 }] },
  ]);
});
