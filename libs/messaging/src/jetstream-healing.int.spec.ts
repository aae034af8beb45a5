/** The server is killed, wiped, stopped and meddled with; the bus goes on. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { streams } from '@writ/contracts';
import { connect, nanos } from 'nats';
import type { JetStreamManager, NatsConnection } from 'nats';
import { eventually, testNats } from '@writ/testing';
import type { TestNats } from '@writ/testing';
import { someConsumer, someMessage, subjectOf } from './bus-world.conformance';
import { silentLogger } from './bus-hooks';
import { connectJetStreamBus } from './connect-jetstream-bus';
import type { JetStreamBusOptions } from './connect-jetstream-bus';
import type { JetStreamBus } from './jetstream-bus';
import { isAhead } from './topology';

/** What the design allows, and some for a busy machine. */
const HEALED_MS = 4_000;

describe('the bus over JetStream, when the server fails it', () => {
  let nats: TestNats;
  let operator: NatsConnection;
  let jsm: JetStreamManager;
  const buses: JetStreamBus[] = [];

  beforeEach(async () => {
    nats = await testNats();
    operator = await connect({
      servers: nats.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 20,
    });
    jsm = await operator.jetstreamManager({ checkAPI: false, timeout: 2_000 });
  });
  afterEach(async () => {
    await Promise.all(buses.splice(0).map((bus) => bus.drain(0)));
    await operator.close();
    await nats.stop();
  });

  const connectBus = async (options: Partial<JetStreamBusOptions> = {}) => {
    const bus = await connectJetStreamBus({ servers: nats.url, name: 'test', ...options });
    buses.push(bus);
    return bus;
  };

  /** A bus that hears one consumer; `works` proves that a message gets through, and how fast. */
  async function hearing(
    changes: Parameters<typeof someConsumer>[0] = {},
    options: Partial<JetStreamBusOptions> = {},
  ) {
    const healed: string[] = [];
    const metrics = { healed: (name: string) => void healed.push(name) };
    const bus = await connectBus({ metrics, ...options });
    const consumer = someConsumer(changes);
    const heard: unknown[] = [];
    await bus.consume(consumer, { parse: (data) => data, concurrency: 4 }, async ({ data }) => {
      heard.push(data);
    });
    let count = 0;
    const works = async () => {
      const began = performance.now();
      count += 1;
      const mark = `mark ${count}`;
      await bus.send(someMessage(subjectOf(consumer), mark));
      const heardIt = () => heard.includes(mark);
      await eventually(heardIt, { what: mark, timeoutMs: 3 * HEALED_MS, every: 5 });
      return performance.now() - began;
    };
    /** As `works`, where the server may lose what it just took: then the log rings again. */
    const worksInTheEnd = async () => {
      const began = performance.now();
      const again = async () => {
        count += 1;
        await bus.send(someMessage(subjectOf(consumer), `mark ${count}`));
        return heard.some((mark) => mark === `mark ${count}` || mark === `mark ${count - 1}`);
      };
      const before = heard.length;
      await eventually(async () => (await again()) && heard.length > before, {
        what: 'any mark',
        timeoutMs: 3 * HEALED_MS,
        every: 100,
      });
      return performance.now() - began;
    };
    await works();
    return { bus, consumer, heard, works, worksInTheEnd, healed };
  }

  it('makes a deleted consumer again', async () => {
    const { consumer, works } = await hearing();
    await jsm.consumers.delete(consumer.stream, consumer.name);
    expect(await works()).toBeLessThan(HEALED_MS);
  });

  it('makes a deleted stream and its consumers again', async () => {
    const { consumer, works, bus } = await hearing();
    await jsm.streams.delete(consumer.stream);
    expect(await works()).toBeLessThan(HEALED_MS);
    expect(bus.health()).toMatchObject({ ok: true });
  });

  it('makes all streams again when all were deleted, for whoever sends first', async () => {
    const bus = await connectBus();
    for (const { name } of Object.values(streams)) await jsm.streams.delete(name);
    await bus.send(someMessage('writ.event.run.r1.RunEnded'));
    await bus.send(someMessage('writ.command.directive.create'));
    const names = await jsm.streams.names().next();
    expect(names.sort()).toEqual(
      Object.values(streams)
        .map(({ name }) => name)
        .sort(),
    );
  });

  it('sets a consumer right that was altered, without losing a message', async () => {
    const { consumer, works, healed } = await hearing();
    const altered = { max_deliver: 1, ack_wait: nanos(1_000) };
    await jsm.consumers.update(consumer.stream, consumer.name, altered);
    await eventually(() => healed.length > 0, { what: 'the consumer to be set right' });
    expect(healed).toEqual([consumer.name]);
    const { config } = await jsm.consumers.info(consumer.stream, consumer.name);
    expect(config).toMatchObject({ ack_wait: nanos(consumer.ackWaitMs), max_ack_pending: 1_000 });
    expect([undefined, -1]).toContain(config.max_deliver);
    await works();
  });

  it('goes on when the server was killed and comes back, and loses no command', async () => {
    // Nothing is published again for want of an acknowledgement here, only for the new connection.
    const { bus, works, consumer, heard } = await hearing(
      { stream: 'WRIT_COMMANDS', subject: 'writ.command.healing.>' },
      { ackTimeoutMs: 60_000, sendWithinMs: 60_000 },
    );
    const kept = someMessage(subjectOf(consumer), 'while it was down');
    await nats.kill();
    await eventually(() => !bus.health().ok, { what: 'bad health' });
    const sent = bus.send(kept);
    await nats.restart();
    await sent;
    await eventually(() => heard.includes('while it was down'), { what: 'the command' });
    expect(await works()).toBeLessThan(HEALED_MS);
    await eventually(() => bus.health().ok, { what: 'good health' });
  });

  it('goes on when the server was killed and comes back without its storage', async () => {
    const { works, bus } = await hearing();
    await nats.kill();
    await nats.restart({ wipe: true });
    expect(await works()).toBeLessThan(HEALED_MS);
    await eventually(() => bus.health().ok, { what: 'good health' });
  });

  it('acknowledges nothing to a server that has started over, whose numbers mean other messages', async () => {
    const [late, other] = [await connectBus(), await connectBus()];
    const consumer = someConsumer();
    const ends: (() => void)[] = [];
    const hold = () => new Promise<void>((resolve) => ends.push(resolve));
    const alone = { parse: (data: unknown) => data, concurrency: 1 };
    await late.consume(consumer, alone, hold);
    await late.send(someMessage(subjectOf(consumer), 'before'));
    await eventually(() => ends.length === 1, { what: 'the first message' });
    await nats.restart({ wipe: true });
    await other.consume(consumer, alone, hold);
    await other.send(someMessage(subjectOf(consumer), 'after'));
    await eventually(() => ends.length === 2, { what: 'the one with its number' });

    ends[0]!();
    await eventually(() => late.health().ok, { what: 'the connection of the first' });
    await late['connection'].flush();

    const info = await jsm.consumers.info(consumer.stream, consumer.name);
    expect(info.num_ack_pending).toBe(1);
    ends[1]!();
  });

  it('parts quickly from a server that has gone silent', async () => {
    const { bus, consumer } = await hearing();
    await bus.answer('writ.query.healing.any', async () => 'here');
    await nats.standStill();
    const isAway = () => bus.health().detail.includes('nats: away');
    await eventually(isAway, { what: 'the silence to be noticed', timeoutMs: 20_000 });
    const waiting = bus.send(someMessage(subjectOf(consumer))).catch((error: Error) => error);
    const began = performance.now();
    await bus.drain(100);
    // Without its limits it would wait 2 s for each of three goodbyes.
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(await waiting).toMatchObject({ name: 'SendError' });
    nats.goOn();
  });

  it('takes a silent server for what it is: the message is sent again under its id', async () => {
    const { works, consumer, heard } = await hearing();
    const said: string[] = [];
    const logger = {
      ...silentLogger,
      warn: (_: object, message: string) => void said.push(message),
    };
    const bus = await connectBus({ ackTimeoutMs: 200, logger });
    await nats.standStill();
    let stored = false;
    const sent = bus.send(someMessage(subjectOf(consumer), 'once')).then(() => (stored = true));
    await eventually(() => said.includes('the server does not answer; publishing again'), {
      what: 'the second try',
    });
    expect(stored).toBe(false);
    nats.goOn();
    await sent;
    await eventually(() => heard.includes('once'), { what: 'the message' });
    await works();
    expect(heard.filter((data) => data === 'once')).toHaveLength(1);
  });

  it('gives up sending after its deadline, and says that the message may be stored', async () => {
    const bus = await connectBus({ sendWithinMs: 600, ackTimeoutMs: 200 });
    await nats.kill();
    await eventually(() => !bus.health().ok, { what: 'bad health' });
    const sent = bus.send(someMessage('writ.work.nobody.one'));
    await expect(sent).rejects.toMatchObject({
      name: 'SendError',
      message: expect.stringMatching(/not stored within .* may be stored all the same/),
    });
    await nats.restart();
  });

  it('says what is wrong when no stream takes a subject', async () => {
    const bus = await connectBus({ sendWithinMs: 600, ackTimeoutMs: 200 });
    const sent = bus.send(someMessage('writ.nowhere.one'));
    await expect(sent).rejects.toThrow(/no stream takes this subject/);
  });

  it('waits for a server that is not there yet', async () => {
    await nats.kill();
    const said: string[] = [];
    const logger = {
      ...silentLogger,
      warn: (_: object, message: string) => void said.push(message),
    };
    const waiting = connectBus({ connectWithinMs: 20_000, logger });
    await eventually(() => said.length > 0, { what: 'the first attempt to fail' });
    await nats.restart();
    expect((await waiting).health().ok).toBe(true);
    const never = connectJetStreamBus({
      servers: 'nats://127.0.0.1:9',
      name: 'test',
      connectWithinMs: 200,
    });
    await expect(never).rejects.toThrow(/no NATS server answered at .*127\.0\.0\.1:9.*NATS_URL/);
  });

  it('is not well when its connection was closed for good, and says so once', async () => {
    const told: Error[] = [];
    const bus = await connectBus({
      onClosed: (error) => told.push(error),
      connection: { reconnect: false },
    });
    await nats.kill();
    await eventually(() => told.length === 1, { what: 'the news' });
    expect(bus.health()).toMatchObject({ ok: false, detail: expect.stringContaining('closed') });
    await expect(bus.send(someMessage('writ.work.a.b'))).rejects.toThrow(/closed/);
    await nats.restart(); // for the operator to part from
  });

  it('notices a consumer that is ahead of its stream', async () => {
    const { works, worksInTheEnd, consumer } = await hearing({
      stream: 'WRIT_COMMANDS',
      subject: 'writ.command.ahead.>',
    });
    for (let n = 0; n < 5; n += 1) await works();
    await nats.kill();
    // The messages are lost, with their numbers; what the consumer has seen is not.
    const files = readdirSync(nats.storeDir, { recursive: true, encoding: 'utf8' });
    const folder = files.find((file) => file.endsWith(join('WRIT_COMMANDS', 'msgs')));
    rmSync(join(nats.storeDir, folder!), { recursive: true });
    await nats.restart();
    expect(await worksInTheEnd()).toBeLessThan(HEALED_MS);
    await works();
    const info = await jsm.consumers.info(consumer.stream, consumer.name);
    const stream = await jsm.streams.info(consumer.stream);
    expect(isAhead(info, stream)).toBe(false);
  });

  it('survives the loss of the storage under a running server', async () => {
    const { works } = await hearing();
    rmSync(nats.storeDir, { recursive: true });
    await works(); // work is in the memory of the server
    await nats.kill();
    await nats.restart();
    expect(await works()).toBeLessThan(HEALED_MS);
  });
});
