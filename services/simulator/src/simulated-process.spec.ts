import { seededRandom } from '@writ/testing';
import { SimulatedProcess } from './simulated-process';
import { VirtualTime } from './virtual-time';

let time: VirtualTime;
let process: SimulatedProcess;
let said: string[];
beforeEach(() => {
  time = new VirtualTime();
  process = new SimulatedProcess('planner', 'planner-1', time, seededRandom(1));
  said = [];
});

test('a process that is gone never gets another word in', async () => {
  process.clock.after(10, () => said.push('a timer'));
  const held = process.call(() => Promise.resolve(said.push('a call')));
  await held;
  process.crash();
  process.run(() => said.push('a message'));
  void process.call(() => Promise.resolve(said.push('another call')));
  void process.gate().then(() => said.push('the gate'));
  await time.runUntil(60_000);
  expect(said).toEqual(['a call']);
});

test('a process that stands still does nothing, and everything when it goes on', async () => {
  process.clock.after(10, () => said.push('a timer'));
  process.standStill(5_000);
  process.run(() => said.push('a message'));
  void process.call(() => Promise.resolve(said.push('a call')));
  await time.runUntil(4_999);
  expect(said).toEqual([]);
  await time.runUntil(5_001);
  expect(said.sort()).toEqual(['a call', 'a message', 'a timer']);
});

test('its clock begins with it and jumps by day, never in what it measures', async () => {
  await time.runUntil(1_000);
  const late = new SimulatedProcess('planner', 'planner-2', time, seededRandom(2));
  expect(late.clock.now()).toBe(0);
  late.jump(86_400_000);
  await time.runUntil(2_000);
  expect(Math.abs(late.clock.now() - 1_000)).toBeLessThan(5);
  expect(late.clock.time().slice(0, 10)).toBe('2026-01-02');
});
