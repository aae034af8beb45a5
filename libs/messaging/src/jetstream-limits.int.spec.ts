/** What happens at the limits of the server: a full stream, a body that no dead letter can hold. */
import { streams } from '@writ/contracts';
import { connect } from 'nats';
import type { NatsConnection } from 'nats';
import { eventually, testNats } from '@writ/testing';
import type { TestNats } from '@writ/testing';
import { anything, letterFor, someConsumer, someMessage, subjectOf } from './bus-world.conformance';
import { dropOff } from './claim-check.conformance';
import { connectJetStreamBus } from './connect-jetstream-bus';
import type { JetStreamBusOptions } from './connect-jetstream-bus';
import type { JetStreamBus } from './jetstream-bus';

describe('the bus over JetStream, at the limits of the server', () => {
  let nats: TestNats;
  let stranger: NatsConnection;
  const buses: JetStreamBus[] = [];

  beforeEach(async () => {
    nats = await testNats();
    stranger = await connect({ servers: nats.url });
  });
  afterEach(async () => {
    await Promise.all(buses.splice(0).map((bus) => bus.drain(0)));
    await stranger.close();
    await nats.stop();
  });
  const connectBus = async (options: Partial<JetStreamBusOptions> = {}) => {
    const bus = await connectJetStreamBus({ servers: nats.url, name: 'test', ...options });
    buses.push(bus);
    return bus;
  };

  it('says that a stream is full, and goes on when there is room again', async () => {
    const table = Object.values({ ...streams, work: { ...streams.work, maxBytes: 20_000 } });
    const bus = await connectBus({ streams: table, sendWithinMs: 500, ackTimeoutMs: 200 });
    const consumer = someConsumer();
    const large = 'x'.repeat(6_000);
    const sent: unknown[] = [];
    for (let n = 0; n < 5; n += 1) {
      sent.push(await bus.send(someMessage(subjectOf(consumer), large)).catch((e: Error) => e));
    }
    expect(sent.slice(0, 3)).toEqual([undefined, undefined, undefined]);
    expect(sent[4]).toMatchObject({
      name: 'SendError',
      message: expect.stringContaining('maximum bytes exceeded'),
    });
    let heard = 0;
    await bus.consume(consumer, anything(), async () => (heard += 1));
    await eventually(() => heard === 3, { what: 'what was stored' });
    await bus.send(someMessage(subjectOf(consumer), large));
  });

  it('keeps a large poison message whole where a claim check is, and sends it again', async () => {
    const { claimCheck, kept } = dropOff();
    const bus = await connectBus({ claimCheck });
    const consumer = someConsumer();
    let heard = 0;
    let broken = true;
    const parse = (data: unknown) => {
      if (broken) throw new Error('does not fit');
      return data;
    };
    await bus.consume(consumer, { parse, concurrency: 1 }, async () => (heard += 1));
    const body = JSON.stringify('x'.repeat(1_000_000));
    await stranger.jetstream().publish(subjectOf(consumer), body);
    const letter = await letterFor(bus, consumer);
    expect(letter.bodyBase64).toBeUndefined();
    expect(Buffer.from(kept.get(letter.dataref!)!).toString()).toBe(body);
    broken = false;
    await bus.deadLetters.replay(letter.sequence);
    await eventually(() => heard === 1, { what: 'the replayed message' });
  });

  it('says what it could not keep without one, and does not send that again', async () => {
    const bus = await connectBus();
    const consumer = someConsumer();
    await bus.consume(consumer, anything(), async () => undefined);
    await stranger.jetstream().publish(subjectOf(consumer), 'x'.repeat(1_000_000));
    const letter = await letterFor(bus, consumer);
    expect(letter.bodyBytesCut).toBe(1_000_000 - 640 * 1024);
    const replayed = bus.deadLetters.replay(letter.sequence);
    await expect(replayed).rejects.toMatchObject({ code: 'not_available' });
    expect(await bus.deadLetters.find(letter.sequence)).toEqual(letter);
  });

  it('keeps a message in its stream as long as its dead letter cannot be stored', async () => {
    const table = Object.values({
      ...streams,
      dead: { ...streams.dead, subjects: ['writ.off.>'] },
    });
    const bus = await connectBus({ streams: table, sendWithinMs: 200, ackTimeoutMs: 100 });
    const consumer = someConsumer();
    let deliveries = 0;
    const parse = () => {
      deliveries += 1;
      throw new Error('does not fit');
    };
    await bus.consume(consumer, { parse, concurrency: 1 }, async () => undefined);
    await bus.send(someMessage(subjectOf(consumer)));
    await eventually(() => deliveries >= 2, { what: 'the second delivery' });
    const jsm = await stranger.jetstreamManager({ checkAPI: false });
    expect((await jsm.streams.info('WRIT_WORK')).state.messages).toBe(1);
  });
});
