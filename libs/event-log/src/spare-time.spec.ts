import { SpareTime } from './spare-time';

/** A machine whose processors are idle for so much of each second. */
function machine() {
  const times = { idle: 0, all: 0 };
  const spare = new SpareTime(() => ({ ...times }));
  return (idleShare: number, tookMs: number) => {
    times.all += 1_000;
    times.idle += 1_000 * idleShare;
    return spare.restAfter(tookMs);
  };
}

it('does not rest while the machine has time to spare', () => {
  expect(machine()(0.5, 100)).toBe(0);
});

it('takes a fifth of the time of a busy machine', () => {
  expect(machine()(0.02, 100)).toBe(400);
});

it('judges by the time since it was asked last', () => {
  const rest = machine();
  expect([rest(0, 100), rest(0.9, 100), rest(0, 50)]).toEqual([400, 0, 200]);
});

it('comes back within five seconds', () => {
  expect(machine()(0, 60_000)).toBe(5_000);
});

it('knows the machine it runs on', () => {
  expect(new SpareTime().restAfter(1)).toBeGreaterThanOrEqual(0);
});
