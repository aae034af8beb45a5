import { streams } from '@writ/contracts';
import { AckPolicy, connect, DeliverPolicy, nanos, StorageType } from 'nats';
import type { JetStreamManager, NatsConnection } from 'nats';
import { testNats } from '@writ/testing';
import type { TestNats } from '@writ/testing';
import { someConsumer } from './bus-world.conformance';
import { applyConsumer, applyStream, isAhead } from './topology';

describe('the topology', () => {
  let nats: TestNats;
  const connections: NatsConnection[] = [];
  let jsm: JetStreamManager;

  const manager = async () => {
    const connection = await connect({ servers: nats.url });
    connections.push(connection);
    return connection.jetstreamManager({ checkAPI: false });
  };

  beforeEach(async () => {
    nats = await testNats();
    jsm = await manager();
  });
  afterEach(async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
    await nats.stop();
  });

  it('is made as the table says, and left alone the second time', async () => {
    for (const stream of Object.values(streams)) {
      expect(await applyStream(jsm, stream)).toBe('created');
      expect(await applyStream(jsm, stream)).toBe('unchanged');
    }
    const { config } = await jsm.streams.info('WRIT_COMMANDS');
    expect(config).toMatchObject({
      subjects: ['writ.command.>'],
      retention: 'workqueue',
      storage: 'file',
      discard: 'new',
      duplicate_window: nanos(120_000),
    });
    const consumer = someConsumer();
    expect(await applyConsumer(jsm, consumer, 8)).toBe('created');
    expect(await applyConsumer(jsm, consumer, 8)).toBe('unchanged');
  });

  it('can be made by several processes at once', async () => {
    const managers = await Promise.all([...Array(5)].map(() => manager()));
    const consumer = someConsumer();
    const all = managers.map(async (each) => {
      await Promise.all(Object.values(streams).map((stream) => applyStream(each, stream)));
      await applyConsumer(each, consumer, 8);
    });
    await Promise.all(all);
    expect((await jsm.streams.info('WRIT_WORK')).state.consumer_count).toBe(1);
  });

  it('follows the table where NATS can, and keeps what an operator added', async () => {
    const wide = { ...streams.events, maxAgeMs: 1_000_000 };
    await applyStream(jsm, wide);
    await jsm.streams.update(wide.name, { max_msgs_per_subject: 7 });
    expect(await applyStream(jsm, streams.events)).toBe('updated');
    const { config } = await jsm.streams.info(wide.name);
    expect(config).toMatchObject({
      max_age: nanos(streams.events.maxAgeMs),
      max_msgs_per_subject: 7,
    });
  });

  it('says how to help when NATS cannot', async () => {
    await applyStream(jsm, { ...streams.work, storage: 'file' });
    await expect(applyStream(jsm, streams.work)).rejects.toThrow(
      /WRIT_WORK .* storage is file instead of memory.*nats stream rm WRIT_WORK.*rung again/,
    );
    await applyStream(jsm, streams.commands);
    const consumer = someConsumer({ stream: 'WRIT_EVENTS', subject: 'writ.event.>' });
    await applyStream(jsm, streams.events);
    await jsm.consumers.add('WRIT_EVENTS', {
      durable_name: consumer.name,
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.New,
    } as never);
    await expect(applyConsumer(jsm, consumer, 8)).rejects.toThrow(
      /ack_policy is none instead of explicit.*nats consumer rm WRIT_EVENTS/,
    );
  });

  it('names the stream that has its subjects', async () => {
    await jsm.streams.add({
      name: 'OTHER',
      subjects: ['writ.work.*'],
      storage: StorageType.Memory,
    });
    await expect(applyStream(jsm, streams.work)).rejects.toThrow(/belong to OTHER/);
  });

  it('raises what all processes of a consumer share, and never lowers it', async () => {
    await applyStream(jsm, streams.work);
    const consumer = someConsumer();
    const pending = async () => {
      const { config } = await jsm.consumers.info(consumer.stream, consumer.name);
      return config.max_ack_pending;
    };
    await applyConsumer(jsm, consumer, 4);
    expect(await pending()).toBe(1_000);
    await applyConsumer(jsm, consumer, 3_000);
    expect(await pending()).toBe(6_000);
    expect(await applyConsumer(jsm, consumer, 4)).toBe('unchanged');
    expect(await pending()).toBe(6_000);
  });
});

describe('a consumer', () => {
  const place = (consumer: number, floor: number, last: number) => {
    const info = { delivered: { stream_seq: consumer }, ack_floor: { stream_seq: floor } };
    return isAhead(info as never, { state: { last_seq: last } } as never);
  };

  it('is ahead of its stream when it has seen numbers that are not given yet', () => {
    expect(place(5, 5, 5)).toBe(false);
    expect(place(3, 2, 5)).toBe(false);
    expect(place(9, 9, 5)).toBe(true);
    expect(place(9, 4, 5)).toBe(true);
    expect(place(0, 0, 0)).toBe(false);
  });
});
