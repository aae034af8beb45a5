/** Messages of streams that are not Writ's: `overhear.ts`, O1. */
import { eventually, testNats, type TestNats } from '@writ/testing';
import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { connectJetStreamBus } from './connect-jetstream-bus';
import type { JetStreamBus } from './jetstream-bus';
import type { Overheard } from './overhear';
import { covers } from './overhear-stream';

let nats: TestNats;
let stranger: NatsConnection;
let jsm: JetStreamManager;
let bus: JetStreamBus;

beforeAll(async () => {
  nats = await testNats();
  stranger = await connect({ servers: nats.url });
  jsm = await stranger.jetstreamManager();
});
beforeEach(async () => {
  bus = await connectJetStreamBus({ servers: nats.url, name: 'test' });
  await jsm.streams.add({ name: 'ORDERS', subjects: ['orders.>'] });
});
afterEach(async () => {
  await bus.drain(0);
  await jsm.streams.delete('ORDERS');
});
afterAll(async () => {
  await stranger.close();
  await nats.stop();
});

const foreign = { subject: 'orders.*.paid', name: 'writ-test', stream: 'ORDERS' };
const send = (subject: string, text: string) => stranger.jetstream().publish(subject, text);
const textOf = ({ body }: Overheard) => Buffer.from(body).toString();

it('a filter is covered by a stream that has whatever it can mean, and by no other', async () => {
  expect(await bus.streamOf('orders.*.paid')).toBe('ORDERS');
  expect(await bus.streamOf('orders.>')).toBe('ORDERS');
  expect(await bus.streamOf('*.paid')).toBeUndefined();
  expect(await bus.streamOf('invoices.>')).toBeUndefined();
  expect(covers('a.*', 'a.b')).toBe(true);
  expect(covers('a.*', 'a.*')).toBe(true);
  expect(covers('a.*', 'a.>')).toBe(false);
  expect(covers('a.b', 'a.*')).toBe(false);
  expect(covers('a.>', 'a')).toBe(false);
  expect(covers('>', 'a.b')).toBe(true);
});

it('what comes while nobody listens is heard later, once, and names its place in the stream', async () => {
  const heard: Overheard[] = [];
  const hear = (message: Overheard) => Promise.resolve(void heard.push(message));
  await send('orders.0.paid', 'before all');
  const first = await bus.overhear(foreign, hear);
  await send('orders.1.paid', 'one');
  await eventually(() => heard.length === 1, { what: 'the first message' });
  await first.close();
  await send('orders.2.paid', 'two');
  await send('orders.2.made', 'another subject');
  await bus.overhear(foreign, hear);
  await eventually(() => heard.length === 2, { what: 'the second message' });
  expect(heard.map(textOf)).toEqual(['one', 'two']);
  expect(heard[1]?.origin).toMatch(/^ORDERS-3-\d+$/);
});

it('a reaction that throws gets its message again', async () => {
  const heard: string[] = [];
  await bus.overhear(foreign, (message) => {
    heard.push(textOf(message));
    return heard.length === 1 ? Promise.reject(new Error('not yet')) : Promise.resolve();
  });
  await send('orders.1.paid', 'one');
  await eventually(() => heard.length === 2, { what: 'the second try' });
  expect(heard).toEqual(['one', 'one']);
});

it('a consumer that somebody deletes is made again', async () => {
  const heard: string[] = [];
  await bus.overhear(foreign, (message) => Promise.resolve(void heard.push(textOf(message))));
  await jsm.consumers.delete('ORDERS', 'writ-test');
  const isBack = () => jsm.consumers.info('ORDERS', 'writ-test').then(Boolean, () => false);
  await eventually(isBack, { what: 'the consumer', timeoutMs: 30_000 });
  await send('orders.1.paid', 'one');
  await eventually(() => heard.length === 1, { what: 'the message' });
});

it('nothing of it is left in the stream when it is forgotten', async () => {
  const hearing = await bus.overhear(foreign, () => Promise.resolve());
  await hearing.close();
  await bus.forget(foreign);
  await bus.forget(foreign);
  expect(await jsm.consumers.list('ORDERS').next()).toEqual([]);
});
