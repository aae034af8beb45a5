/** A real server whose files vanish under it: the state that the watchdog is there for. */
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { streams } from '@writ/contracts';
import { eventually, testNats } from '@writ/testing';
import type { TestNats } from '@writ/testing';
import { connect } from 'nats';
import type { JetStreamManager, NatsConnection } from 'nats';
import { silentLogger } from './bus-hooks';
import { anything, someConsumer, someMessage } from './bus-world.conformance';
import { connectJetStreamBus } from './connect-jetstream-bus';
import type { JetStreamBus } from './jetstream-bus';
import { StreamWatchdog } from './stream-watchdog';

const stream = streams.commands.name;
const subject = 'writ.command.watched.one';
const consumer = someConsumer({ stream, subject: 'writ.command.watched.>' });

describe('the watchdog, when a server has lost the files of a stream', () => {
  let nats: TestNats;
  let operator: NatsConnection;
  let jsm: JetStreamManager;
  let deletions: number;
  let said: string[];
  let healed: string[];
  const buses: JetStreamBus[] = [];
  const logger = { ...silentLogger, warn: (_: object, words: string) => void said.push(words) };

  beforeEach(async () => {
    nats = await testNats();
    operator = await connect({ servers: nats.url });
    jsm = await operator.jetstreamManager({ checkAPI: false });
    [deletions, said, healed] = [0, [], []];
    const count = () => void (deletions += 1);
    operator.subscribe(`$JS.EVENT.ADVISORY.STREAM.DELETED.${stream}`, { callback: count });
  });
  afterEach(async () => {
    await Promise.all(buses.splice(0).map((bus) => bus.drain(0)));
    await operator.close();
    await nats.stop();
  });

  const connectBus = async () => {
    const times = { ackTimeoutMs: 300, sendWithinMs: 30_000 };
    const metrics = { healed: (name: string) => void healed.push(name) };
    const bus = await connectJetStreamBus({
      ...{ servers: nats.url, name: 'test', logger, metrics },
      ...times,
    });
    buses.push(bus);
    return bus;
  };
  const publish = (bytes = 10) => {
    const body = JSON.stringify('x'.repeat(bytes));
    return operator.request(subject, Buffer.from(body), { timeout: 500 });
  };
  /** The server tells of a deletion by a queue of its own, which what was sent later may overtake. */
  const deletedOnce = async () => {
    await eventually(() => deletions > 0, { what: 'word of the deletion' });
    expect(deletions).toBe(1);
  };
  const state = async () => (await jsm.streams.info(stream)).state;

  /** What it has is taken out, and it cannot make the file for what comes: "lmb missing". */
  async function silentAndEmpty(bus: JetStreamBus, heard: unknown[]): Promise<void> {
    let goOn = (): void => undefined;
    const wiped = new Promise<void>((resolve) => (goOn = resolve));
    await bus.consume(consumer, anything(), async ({ data }) => {
      heard.push(data);
      await wiped;
    });
    await bus.send(someMessage(subject, 'before'));
    await eventually(() => heard.length === 1, { what: 'the first message' });
    rmSync(nats.storeDir, { recursive: true });
    goOn();
    await eventually(async () => (await state()).messages === 0, { what: 'an empty stream' });
    await expect(publish()).rejects.toThrow(/timeout/i);
  }

  it('a message that it dropped without a word is stored in the end, and heard', async () => {
    const heard: unknown[] = [];
    const bus = await connectBus();
    await silentAndEmpty(bus, heard);
    await bus.send(someMessage(subject, 'after'));
    await eventually(() => heard.includes('after'), { what: 'the message' });
    await deletedOnce();
    expect(said).toContainEqual(expect.stringContaining('deleted to be made again'));
    expect(healed).toContain(stream);
  });

  it('of several processes that notice at once one mends, and no message is lost', async () => {
    const heard: unknown[] = [];
    const all = await Promise.all([...Array(4)].map(connectBus));
    await silentAndEmpty(all[0]!, heard);
    const marks = all.flatMap((_, from) => [...Array(10)].map((__, n) => `${from}.${n}`));
    const sent = marks.map((mark) => all[Number(mark[0])]!.send(someMessage(subject, mark)));
    await Promise.all(sent);
    await eventually(() => marks.every((mark) => heard.includes(mark)), { what: 'all of them' });
    await deletedOnce();
  });

  it('a stream that is only slow is not taken for broken, since it answers in order', async () => {
    await connectBus();
    let answers = 0;
    operator.subscribe('answers', { callback: () => void (answers += 1) });
    const again = () => {
      for (let n = 0; n < 50; n += 1) operator.publish(subject, '{}', { reply: 'answers' });
      return () => answers < 50;
    };
    const makeStreams = () => Promise.resolve();
    const all = Object.values(streams);
    const watchdog = new StreamWatchdog(operator, jsm, all, makeStreams, logger);
    watchdog.notice({ subject, again });
    const hasLooked = () => [...watchdog['nextLook'].values()].every(Number.isFinite);
    await eventually(hasLooked, { what: 'the end of its look', every: 1 });
    expect(answers).toBe(50);
    expect(said).toEqual([]);
  });

  it('what it still has is taken out first', async () => {
    const bus = await connectBus();
    const found = readdirSync(nats.storeDir, { recursive: true, encoding: 'utf8' });
    const folder = join(
      nats.storeDir,
      found.find((file) => file.endsWith(join(stream, 'msgs')))!,
    );
    await publish();
    renameSync(folder, `${folder}-away`);
    const full = async () => !(await publish(900_000).catch(() => undefined));
    await eventually(full, { what: 'a file to be full, and no other to be had' });
    renameSync(`${folder}-away`, folder);
    const { messages } = await state();
    expect(messages).toBeGreaterThan(1);

    const sent = bus.send(someMessage(subject, 'after'));
    await eventually(() => said.some((words) => words.includes('kept')), { what: 'a look at it' });
    expect(deletions).toBe(0);
    const heard: unknown[] = [];
    await bus.consume(consumer, anything(), async ({ data }) => void heard.push(data));
    await sent;
    await eventually(() => heard.includes('after'), { what: 'the message' });
    expect(heard.length).toBe(messages + 1);
    await deletedOnce();
  });
});
