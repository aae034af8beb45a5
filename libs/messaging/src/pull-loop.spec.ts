/** The loop against a server that says what the test wants: statuses, too much, or nothing. */
import { eventually } from '@writ/testing';
import type { Msg, NatsConnection, SubscriptionOptions } from 'nats';
import { silentLogger } from './bus-hooks';
import { someConsumer } from './bus-world.conformance';
import type { JetStreamAdmin } from './jetstream-admin';
import type { JetStreamDelivery } from './jetstream-delivery';
import { PullLoop } from './pull-loop';
import { scriptedAdmin } from './scripted-jetstream.conformance';

const consumer = someConsumer({ name: 'loop' });

interface Asked {
  batch: number;
  idle_heartbeat: number;
  reply: string;
}

class ScriptedServer {
  readonly asked: Asked[] = [];
  readonly acks: string[] = [];
  askedIfClosed = 0;
  private hear: SubscriptionOptions['callback'];
  private count = 0;

  readonly connection = {
    isClosed: () => {
      this.askedIfClosed += 1; // in each tick, among others
      return false;
    },
    subscribe: (_: string, options: SubscriptionOptions) => {
      this.hear = options.callback;
      return { drain: async () => undefined };
    },
    publish: (subject: string, body: Uint8Array | string, options?: { reply: string }) => {
      const text = Buffer.from(body).toString();
      if (!subject.includes('MSG.NEXT')) this.acks.push(text);
      else this.asked.push({ ...(JSON.parse(text) as Asked), reply: options!.reply });
    },
  } as unknown as NatsConnection;

  deliver(): void {
    this.count += 1;
    const reply = `$JS.ACK.WRIT_WORK.loop.1.${this.count}.1.1700.0`;
    this.hear!(null, { subject: 'writ.work.x', data: Buffer.from('{}'), reply } as unknown as Msg);
  }

  say(code: number, description: string, left?: number): void {
    const get = (name: string) => (name === 'Nats-Pending-Messages' ? String(left ?? '') : '');
    const subject = this.asked.at(-1)!.reply;
    const headers = { code, description, get, [Symbol.iterator]: () => [][Symbol.iterator]() };
    this.hear!(null, { subject, data: Buffer.alloc(0), headers } as unknown as Msg);
  }
}

describe('a loop that pulls', () => {
  let server: ScriptedServer;
  let loop: PullLoop;
  let admin: JetStreamAdmin;
  let made: () => number;
  let running: { delivery: JetStreamDelivery; end: () => void }[];

  const start = async (concurrency: number, definition = consumer) => {
    server = new ScriptedServer();
    running = [];
    const { admin: scripted, looks } = scriptedAdmin(definition, server.connection);
    admin = scripted;
    made = () => looks.count;
    loop = new PullLoop({
      connection: server.connection,
      admin,
      definition,
      concurrency,
      inbox: '_INBOX.test',
      deliver: (delivery) => {
        return new Promise((resolve) => running.push({ delivery, end: resolve }));
      },
      logger: silentLogger,
      metrics: {},
    });
    await loop.start();
  };
  const endFirst = async () => {
    running.shift()!.end();
    await new Promise((resolve) => setImmediate(resolve));
  };
  afterEach(async () => {
    jest.restoreAllMocks();
    await loop.close();
    await loop.finish(0);
  });

  it('asks for as many as it has free slots, and again for a quarter of them', async () => {
    await start(8);
    expect(server.asked).toMatchObject([{ batch: 8 }]);
    for (let n = 0; n < 8; n += 1) server.deliver();
    await endFirst();
    expect(server.asked).toMatchObject([{ batch: 8 }, { batch: 1 }]); // nothing was asked for
    await endFirst();
    expect(server.asked).toHaveLength(2);
    await endFirst();
    expect(server.asked).toMatchObject([{ batch: 8 }, { batch: 1 }, { batch: 2 }]);
  });

  it('begins no more than it may, and what came too much when there is room', async () => {
    await start(1);
    for (let n = 0; n < 3; n += 1) server.deliver();
    expect(running).toHaveLength(1);
    await endFirst();
    expect(running).toHaveLength(1);
    expect(server.asked).toHaveLength(1);
  });

  it('gives back at its end what it has not begun, and what still arrives', async () => {
    await start(1);
    for (let n = 0; n < 3; n += 1) server.deliver();
    await loop.close();
    expect(server.acks).toEqual(['-NAK', '-NAK']);
    server.deliver();
    expect(server.acks).toHaveLength(3);
    expect(running).toHaveLength(1);
    const finished = loop.finish(5_000);
    await endFirst();
    expect(await finished).toBe(true);
    expect(server.asked).toHaveLength(1);
  });

  it('gives back what does not end in time', async () => {
    await start(2);
    server.deliver();
    expect(await loop.finish(20)).toBe(false);
    expect(server.acks).toEqual(['-NAK']);
  });

  it('loses what it holds when there is no connection for longer than the server waits', async () => {
    await start(1, { ...consumer, ackWaitMs: 1_000 });
    server.deliver();
    await eventually(() => server.acks.includes('+WPI'), { what: 'a sign of work', every: 2 });
    admin.connectionLost();
    const [held] = running;
    await eventually(() => !held!.delivery.held, { what: 'the end of the wait', every: 2 });
    server.acks.length = 0;
    admin.connectionBack();
    held!.delivery.ack();
    expect(server.acks).toEqual([]); // by now it is somebody else's
  });

  it('asks again at once when its request ran out, later at a limit', async () => {
    await start(4);
    server.say(408, 'Request Timeout', 4);
    expect(server.asked).toMatchObject([{ batch: 4 }, { batch: 4 }]);
    server.say(409, 'Exceeded MaxWaiting');
    expect(server.asked).toHaveLength(2);
    await eventually(() => server.asked.length === 3, { what: 'the next tick' });
    expect(made()).toBe(1);
  });

  it.each([
    [503, 'No Responders'],
    [404, 'Not Found'],
    [409, 'Consumer Deleted'],
  ])('makes its consumer again when the server says %s %s', async (code, description) => {
    await start(4);
    const [first] = server.asked;
    server.say(code, description);
    await eventually(() => server.asked.length === 2, { what: 'the next request', every: 2 });
    expect(made()).toBe(2);
    expect(server.asked[1]!.reply).not.toBe(first!.reply);
  });

  it('does not make it again and again at full speed', async () => {
    await start(4);
    const began = performance.now();
    for (let n = 0; n < 3; n += 1) {
      const before = server.asked.length;
      server.say(503, 'No Responders');
      await eventually(() => server.asked.length > before, { what: 'the next request' });
    }
    expect(performance.now() - began).toBeGreaterThan(1_900);
  });

  it('makes it again when nothing is heard, not even a heartbeat', async () => {
    await start(4);
    await eventually(() => made() === 2, { what: 'the healing' });
    expect(server.asked).toHaveLength(2);
  });

  it('is not well when it only makes its consumer again', async () => {
    await start(4);
    expect(loop.health().ok).toBe(true);
    await eventually(() => !loop.health().ok, { what: 'bad health' });
    expect(loop.health().detail).toMatch(/loop: not consuming for .*the server is silent/);
    server.say(100, 'Idle Heartbeat');
    expect(loop.health().ok).toBe(true);
  });

  it('lets an idle server be silent for longer, until a message comes', async () => {
    let later = 0;
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => now() + later);
    const tick = () => {
      const before = server.askedIfClosed;
      return eventually(() => server.askedIfClosed > before, { what: 'a tick', every: 10 });
    };
    await start(4);
    later += 30_000;
    server.say(408, 'Request Timeout', 4);
    await tick(); // looks after its consumer, for the first time
    const before = made();
    later += 2_000; // too long for one that is awake
    await tick();
    expect(made()).toBe(before);
    for (let n = 0; n < 4; n += 1) server.deliver();
    await endFirst();
    expect(server.asked.map((it) => it.idle_heartbeat / 1e6)).toEqual([500, 2_500, 500]);
    later += 2_000;
    await eventually(() => made() > before, { what: 'the healing' });
  });
});
