/** What the simulator does with the bus in memory: faults where it wants them, the same each time. */
import { manualClock, seededRandom } from '@writ/testing';
import { someConsumer, someMessage, subjectOf } from './bus-world.conformance';
import type { Clock } from './bus-hooks';
import { MemoryBus } from './memory-bus';
import { MemoryServer } from './memory-server';
import type { MemoryFaults } from './memory-server';
import { matchesSubject } from './wire';

const consumer = someConsumer({ name: 'memory', subject: 'writ.work.memory.>', ackWaitMs: 1_000 });
const asIs = { parse: (data: unknown) => data, concurrency: 4 };

function world(faults: MemoryFaults = {}, seed = 1) {
  const manual = manualClock();
  const clock: Clock = {
    now: () => manual.now().getTime(),
    time: () => manual.now().toISOString(),
    after: (ms, call) => manual.after(ms, call),
  };
  const server = new MemoryServer({ clock, random: seededRandom(seed).next, faults });
  const bus = new MemoryBus({ server });
  /** Lets promises run between two moves of the clock. */
  const pass = async (ms: number) => {
    for (let moved = 0; moved < ms; moved += 10) {
      await manual.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { server, bus, pass, clock };
}

async function hearing(bus: MemoryBus) {
  const heard: [unknown, number][] = [];
  await bus.consume(consumer, asIs, async ({ data, deliveryCount }) => {
    heard.push([data, deliveryCount]);
  });
  return heard;
}

describe('the server in memory', () => {
  it('loses what is in it when it is wiped, and goes on', async () => {
    const { server, bus, pass } = world();
    await bus.send(someMessage(subjectOf(consumer), 'before'));
    server.wipe();
    const heard = await hearing(bus);
    await bus.send(someMessage(subjectOf(consumer), 'after'));
    await pass(20);
    expect(heard).toEqual([['after', 1]]);
  });

  it('takes no acknowledgement for what it had before it was wiped', async () => {
    const { server, bus, pass } = world();
    let letGo = (): void => undefined;
    const heard: unknown[] = [];
    await bus.consume(consumer, asIs, async ({ data }) => {
      heard.push(data);
      if (data === 'before') await new Promise<void>((resolve) => (letGo = resolve));
    });
    await bus.send(someMessage(subjectOf(consumer), 'before'));
    await pass(20);
    server.wipe();
    await bus.send(someMessage(subjectOf(consumer), 'after')); // it gets the number of the other
    letGo();
    await pass(2_000);
    expect(heard).toEqual(['before', 'after']);
    expect(server.messagesOf('WRIT_WORK').size).toBe(0);
  });

  it('delivers again what a crashed process held, after the acknowledgement wait', async () => {
    const { server, bus, pass } = world();
    const crashing = new MemoryBus({ server });
    await crashing.consume(consumer, asIs, () => new Promise(() => undefined));
    await bus.send(someMessage(subjectOf(consumer), 1));
    await pass(20);
    crashing.crash();
    const heard = await hearing(bus);
    await pass(900);
    expect(heard).toEqual([]);
    await pass(200);
    expect(heard).toEqual([[1, 2]]);
  });

  it('keeps a message with its holder as long as that lives', async () => {
    const { bus, pass } = world();
    let count = 0;
    await bus.consume(consumer, asIs, () => {
      count += 1;
      return new Promise(() => undefined);
    });
    await bus.send(someMessage(subjectOf(consumer)));
    await pass(5_000);
    expect(count).toBe(1);
  });

  it('drops, doubles and delays as it is told', async () => {
    const fates = [{ drop: true }, { copies: 2 }, { delayMs: 300 }];
    const { bus, pass } = world({ send: () => fates.shift() ?? {} });
    const heard = await hearing(bus);
    const sent = ['dropped', 'tripled', 'late', 'plain'].map((data) => {
      return bus.send(someMessage(subjectOf(consumer), data));
    });
    await pass(100);
    expect(heard.map(([data]) => data)).toEqual(['tripled', 'tripled', 'tripled', 'plain']);
    await pass(300);
    await Promise.all(sent);
    expect(heard.at(-1)).toEqual(['late', 1]);
  });

  it('delivers once more when a delivery or an acknowledgement is lost', async () => {
    let deliveries = 0;
    let acks = 0;
    const { bus, pass } = world({
      deliver: () => ({ drop: (deliveries += 1) === 1 }),
      ack: () => ({ drop: (acks += 1) === 1 }),
    });
    const heard = await hearing(bus);
    await bus.send(someMessage(subjectOf(consumer), 1));
    await pass(4_000);
    expect(heard).toEqual([
      [1, 2],
      [1, 3],
    ]);
  });

  it('refuses a send as NATS does when it is away', async () => {
    const { bus } = world({ send: () => ({ refuse: true }) });
    await expect(bus.send(someMessage('writ.work.a'))).rejects.toMatchObject({ name: 'SendError' });
  });

  it('forgets message ids after the window of the stream', async () => {
    const { bus, pass, server } = world();
    const message = someMessage('writ.work.dedupe', 1, 'same');
    await bus.send(message);
    await bus.send(message);
    expect(server.messagesOf('WRIT_WORK').size).toBe(1);
    await pass(120_000);
    await bus.send(message);
    expect(server.messagesOf('WRIT_WORK').size).toBe(2);
  });

  it('does the same for the same seed', async () => {
    const journey = async (seed: number) => {
      const random = seededRandom(seed);
      const fate = () => ({
        drop: random.chance(0.2),
        copies: random.int(0, 2),
        delayMs: random.int(0, 50),
      });
      const { bus, pass } = world({ deliver: fate, ack: fate }, seed);
      const seen: string[] = [];
      await bus.consume(consumer, asIs, async ({ data, deliveryCount }) => {
        seen.push(`${data}/${deliveryCount}`);
        if (random.chance(0.2)) throw new Error('chance');
      });
      for (let n = 0; n < 20; n += 1) await bus.send(someMessage(subjectOf(consumer), n, `m${n}`));
      await pass(20_000);
      return seen;
    };
    const first = await journey(7);
    expect(await journey(7)).toEqual(first);
    expect(await journey(8)).not.toEqual(first);
    expect(new Set(first.map((line) => line.split('/')[0])).size).toBe(20);
  });
});

describe('a pattern of subjects', () => {
  it.each([
    ['a.b.c', 'a.b.c', true],
    ['a.*.c', 'a.b.c', true],
    ['a.*', 'a.b.c', false],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['>', 'a', true],
    ['a.b', 'a.b.c', false],
    ['a.b.c', 'a.b', false],
    ['*.b.>', 'a.b.c.d', true],
  ])('%s for %s: %s', (pattern, subject, expected) => {
    expect(matchesSubject(pattern, subject)).toBe(expected);
  });
});
