import { pause } from '@writ/contracts';
import { VirtualTime } from './virtual-time';

test('calls come in order of their time, those of one moment as they were asked for', async () => {
  const time = new VirtualTime();
  const said: string[] = [];
  for (const [ms, what] of [
    [30, 'c'],
    [10, 'a'],
    [20, 'b'],
    [10, 'a too'],
  ] as const) {
    time.after(ms, () => said.push(`${what} at ${time.nowMs}`));
  }
  time.after(15, () => said.push('never'))();
  await time.runUntil(25);
  expect(said).toEqual(['a at 10', 'a too at 10', 'b at 20']);
  expect(time.clock.time()).toBe('2026-01-01T00:00:00.025Z');
  await time.runUntil(1_000);
  expect(said.at(-1)).toBe('c at 30');
});

test('what follows from a call has come to rest before the next, however long the chain is', async () => {
  const time = new VirtualTime();
  const said: string[] = [];
  const far = async (name: string) => {
    for (let hop = 0; hop < 1_000; hop += 1) await Promise.resolve();
    await Promise.all([1, 2, 3].map(() => Promise.resolve()));
    said.push(name);
  };
  time.after(1, () => void far('one'));
  time.after(1, () => said.push('two'));
  await time.runUntil(1);
  expect(said).toEqual(['one', 'two']);
});

test('whoever waits on its clock waits for virtual time only', async () => {
  const time = new VirtualTime();
  const began = performance.now();
  let over = false;
  void pause(time.clock, 3_600_000).then(() => (over = true));
  await time.runUntil(3_599_999);
  expect(over).toBe(false);
  await time.runUntil(3_600_000);
  expect(over).toBe(true);
  expect(performance.now() - began).toBeLessThan(3_000);
});

test('it ends as soon as it is done', async () => {
  const time = new VirtualTime();
  let calls = 0;
  for (let ms = 1; ms <= 10; ms += 1) time.after(ms, () => (calls += 1));
  await time.runUntil(10, () => calls === 4);
  expect([calls, time.nowMs]).toEqual([4, 4]);
});
