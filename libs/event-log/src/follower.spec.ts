import type { EntityManager } from 'typeorm';
import { eventually } from '@writ/testing';
import { event } from './event-log.conformance';
import { Follower } from './follower';
import { MemoryLog } from './memory-log';
import { MemorySeats } from './memory-seats';

const tables = () => ({ tx: {} as EntityManager, commit: () => undefined });
const projection = { name: 'tally', schema: 'planner', tables: [], apply: async () => undefined };
const longMs = 3_600_000;

/** On a machine whose processors have their hands full. */
function followBusily(log: MemoryLog) {
  let asked: () => void = () => undefined;
  const rests = new Promise<void>((resolve) => (asked = resolve));
  const follower = new Follower({
    ...{ log, projection, seats: new MemorySeats({ begin: tables }).of({}), restMs: 0 },
    spareTime: {
      restAfter: () => {
        asked();
        return longMs;
      },
    },
  });
  return { follower, rests };
}

async function logOf(count: number): Promise<MemoryLog> {
  const log = new MemoryLog();
  const events = Array.from({ length: count }, () => event('Counted', 1));
  await log.append({ stream: 'run-a', expectedVersion: 0, events });
  return log;
}

describe('on a busy machine', () => {
  it('rests after a page until somebody waits for the next one', async () => {
    const log = await logOf(3);
    const { follower, rests } = followBusily(log);
    await rests;
    expect(follower.position).toBe(3);
    const more = { stream: 'run-b', expectedVersion: 0, events: [event('Counted', 1)] };
    await log.append(more);
    await eventually(() => expect(follower.lag).toBe(1), { what: 'it to see what it is behind' });
    follower.wake();
    await expect(follower.waitFor(4, 5_000)).resolves.toBeUndefined();
    await follower.stop();
  });

  it('stops at once while it rests', async () => {
    const { follower, rests } = followBusily(await logOf(1));
    await rests;
    await expect(follower.stop()).resolves.toBeUndefined();
  });
});
