import { consumers } from '@writ/contracts';
import type { Directive, WorkItem } from '@writ/domain';
import { busyQueues, WatchedWork } from './watched-work';

const how = { unattendedMs: 4_000, stuckAfterRings: 3 };

const directive = (version: number, more: object = {}) =>
  ({
    version,
    movingSince: null,
    approvals: new Map(),
    spec: { limits: {} },
    ...more,
  }) as unknown as Directive;

const item = (id = 'a', subject = 'writ.work.program') =>
  ({ id, subject, limitMs: 60_000 }) as unknown as WorkItem;

const time = '2026-01-01T00:00:00Z';
const inQueue = new Set([consumers.executorProgram.name]);

/** When it is rung in the first minutes, in seconds, if it is looked at each second. */
function rings(busyUntil: number, seconds = 200): number[] {
  const watch = new WatchedWork(how);
  const rung: number[] = [];
  for (let second = 0; second <= seconds; second += 1) {
    const at = second * 1_000;
    watch.queuesAre(second < busyUntil ? inQueue : new Set());
    watch.found(directive(1), [item()], at);
    if (!watch.isDue(item(), at)) continue;
    watch.rung(item(), { at, begun: false });
    rung.push(second);
  }
  return rung;
}

test('what nobody works on is rung again and again', () => {
  expect(rings(0, 20)).toEqual([4, 8, 12, 16, 20]);
});

test('what waits in a queue is rung ever less often', () => {
  expect(rings(Infinity)).toEqual([4, 12, 28, 60, 92, 124, 156, 188]);
});

test('when its queue is empty it is rung as soon as anything else', () => {
  expect(rings(30, 44)).toEqual([4, 12, 28, 32, 36, 40, 44]);
});

describe('a directive that stands as it stood', () => {
  function seen(more: object = {}) {
    const watch = new WatchedWork(how);
    watch.found(directive(7, more), [item()], 1_000);
    return watch;
  }

  test('is not read before something in it is due', () => {
    expect(seen().isQuiet(7, time, 4_999)).toBe(true);
    expect(seen().isQuiet(7, time, 5_000)).toBe(false);
  });

  test('is read when something happened in it, or nobody knows', () => {
    expect(seen().isQuiet(8, time, 2_000)).toBe(false);
    expect(seen().isQuiet(undefined, time, 2_000)).toBe(false);
    expect(new WatchedWork(how).isQuiet(7, time, 2_000)).toBe(false);
  });

  test('is read when its time is over', () => {
    const limited = { movingSince: time, spec: { limits: { maxWallTimeMinutes: 1 } } };
    expect(seen(limited).isQuiet(7, '2026-01-01T00:00:59Z', 2_000)).toBe(true);
    expect(seen(limited).isQuiet(7, '2026-01-01T00:01:00Z', 2_000)).toBe(false);
  });
});

test('what was rung in vain for long enough counts as stuck, until it is no longer due', () => {
  const watch = new WatchedWork(how);
  watch.found(directive(1), [item('a'), item('b')], 0);
  for (let ring = 1; ring <= 3; ring += 1) {
    expect(watch.isStuck(0)).toBe(false);
    watch.rung(item('a'), { at: ring, begun: false });
  }
  expect(watch.isStuck(0)).toBe(true);
  watch.found(directive(2), [item('b')], 5);
  expect(watch.isStuck(0)).toBe(false);
});

test('what somebody has begun with is stuck when it takes longer than it may', () => {
  const watch = new WatchedWork(how);
  watch.found(directive(1), [item()], 0);
  for (let ring = 0; ring < 5; ring += 1) watch.rung(item(), { at: ring, begun: true });
  expect(watch.isStuck(59_999)).toBe(false);
  expect(watch.isStuck(60_000)).toBe(true);
});

test('evaluations and runs wait in queues of their own; when nobody knows, none is busy', async () => {
  const busy = await busyQueues({
    backlog: async ([queue]) => {
      if (queue === consumers.executorEcho) throw new Error('no answer');
      return { waiting: queue === consumers.verifierEvaluations ? 3 : 0, inHands: 5 };
    },
  });
  expect([...busy]).toEqual([consumers.verifierEvaluations.name]);
  const watch = new WatchedWork(how);
  const evaluation = item('e', 'writ.evaluate.run');
  watch.queuesAre(busy);
  watch.found(directive(1), [evaluation, item()], 0);
  for (const one of [evaluation, item()]) watch.rung(one, { at: 0, begun: false });
  expect(watch.isDue(item(), 4_000)).toBe(true);
  expect(watch.isDue(evaluation, 4_000)).toBe(false);
});
