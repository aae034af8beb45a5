/** The window over a scripted server: what is asked of it, and what its answers mean. */
import { setImmediate as turn } from 'node:timers/promises';
import { eventually } from '@writ/testing';
import { silentLogger } from './bus-hooks';
import { PublishWindow } from './publish-window';
import type { Unanswered } from './stream-watchdog';
import { noHeaders, type WireMessage } from './wire';

const STORED = '{"stream":"S","seq":1}';
const nothing = Buffer.alloc(0);

/** Keeps what was published; each with the subject on which its acknowledgement is awaited. */
class ScriptedServer {
  readonly inbox = '_INBOX';
  readonly published: { subject: string; reply: string | undefined }[] = [];
  private heard: (message: WireMessage) => void = () => undefined;

  subscribe(_subject: string, _group: string | undefined, heard: (message: WireMessage) => void) {
    this.heard = heard;
    return { drain: () => Promise.resolve() };
  }

  publishBlock(subject: string, _body: Uint8Array, _block?: Uint8Array, reply?: string): void {
    this.published.push({ subject, reply });
  }

  acknowledge(reply: string | undefined, answer = STORED): void {
    const message = { subject: reply ?? '', body: Buffer.from(answer), headers: noHeaders };
    this.heard({ ...message, replyTo: '', unheard: false });
  }

  /** The subjects on which acknowledgements are awaited, in the order of publishing. */
  get replies(): string[] {
    return this.published.flatMap(({ reply }) => reply ?? []);
  }
}

let server: ScriptedServer;
let window: PublishWindow;

beforeEach(() => {
  server = new ScriptedServer();
  const limits = { deadlineMs: 5_000, ackTimeoutMs: 2_000, maxInFlight: 100, maxBytes: 1_000_000 };
  window = new PublishWindow(server, limits, () => Promise.resolve(), silentLogger, {});
});
afterEach(() => window.close('the test is over'));

const send = (subject: string, together?: string, bytes = 1) =>
  window.send(subject, Buffer.alloc(bytes), nothing, together);
const state = async (sent: Promise<void>) =>
  Promise.race([sent.then(() => 'stored').catch(() => 'failed'), turn('waits')]);

test('of messages to one stream in one turn the last asks for the acknowledgement', async () => {
  const sent = [send('a', 'S'), send('b', 'S'), send('x', 'T'), send('c', 'S')];
  await turn();
  expect(server.published.map(({ subject, reply }) => [subject, reply !== undefined])).toEqual([
    ['a', false],
    ['b', false],
    ['c', true],
    ['x', true],
  ]);
  server.acknowledge(server.replies[0]);
  expect(await Promise.all(sent.map(state))).toEqual(['stored', 'stored', 'waits', 'stored']);
  server.acknowledge(server.replies[1]);
  await Promise.all(sent);
});

test('a message that exists nowhere else has an acknowledgement of its own, at once', async () => {
  const sent = [send('a'), send('b')];
  expect(server.replies).toHaveLength(2);
  server.acknowledge(server.replies[1]);
  expect(await Promise.all(sent.map(state))).toEqual(['waits', 'stored']);
  server.acknowledge(server.replies[0]);
  await Promise.all(sent);
});

test('what was lost with a connection is not taken for stored by a late acknowledgement', async () => {
  const sent = [send('a', 'S'), send('b', 'S')];
  await turn();
  const [early] = server.replies;
  window.connectionLost();
  server.acknowledge(early);
  expect(await Promise.all(sent.map(state))).toEqual(['waits', 'waits']);
  window.connectionBack();
  server.acknowledge(early);
  expect(await Promise.all(sent.map(state))).toEqual(['waits', 'waits']);
  expect(server.published.map(({ subject }) => subject)).toEqual(['a', 'b', 'a', 'b']);
  server.acknowledge(server.replies[1]);
  await Promise.all(sent);
});

test('what is sent while there is no connection is published when it is back, once', async () => {
  window.connectionLost();
  const sent = [send('a', 'S'), send('b', 'S'), send('c')];
  await turn();
  expect(server.published).toEqual([]);
  window.connectionBack();
  await turn();
  expect(server.published.map(({ subject }) => subject)).toEqual(['a', 'b', 'c']);
  for (const reply of server.replies) server.acknowledge(reply);
  await Promise.all(sent);
});

test('messages that fly together fail together, each by its own name', async () => {
  const sent = [send('a', 'S'), send('b', 'S')];
  await turn();
  const refused = '{"error":{"code":400,"err_code":10054,"description":"too large"}}';
  server.acknowledge(server.replies[0], refused);
  await expect(sent[0]).rejects.toThrow(/to a was not stored.*too large/);
  await expect(sent[1]).rejects.toThrow(/to b was not stored.*too large/);
});

test('flights are bounded, and so is what is in flight', async () => {
  const sent = Array.from({ length: 130 }, (_, n) => send(`m${n}`, 'S'));
  await turn();
  expect(server.published).toHaveLength(100);
  expect(server.replies).toHaveLength(2);
  for (const reply of server.replies) server.acknowledge(reply);
  await turn();
  expect(server.published).toHaveLength(130);
  server.acknowledge(server.replies.at(-1));
  await Promise.all(sent);
});

describe('a message that nothing is heard of', () => {
  let told: Unanswered[];
  beforeEach(() => {
    told = [];
    const limits = { deadlineMs: 5_000, ackTimeoutMs: 20, maxInFlight: 100, maxBytes: 1_000 };
    const options = { ...limits, unanswered: (message: Unanswered) => void told.push(message) };
    window.close('another is made');
    window = new PublishWindow(server, options, () => Promise.resolve(), silentLogger, {});
  });
  const publications = (count: number) =>
    eventually(() => server.published.length >= count, { what: `${count} publications`, every: 1 });

  test('is shown after two publications, and published once more on demand', async () => {
    const sent = send('a');
    await publications(2);
    expect(told).toEqual([]);
    await publications(3);
    expect(told).toMatchObject([{ subject: 'a' }]);
    const isSilent = told[0]!.again();
    expect(server.published).toHaveLength(4);
    expect(isSilent()).toBe(true);
    server.acknowledge(server.replies[0]);
    expect(isSilent()).toBe(false);
    await sent;
    expect(told[0]!.again()()).toBe(false);
    expect(server.published).toHaveLength(4);
  });

  test('is not silent when it was refused', async () => {
    const full = '{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"}}';
    const sent = send('a');
    for (let count = 1; count <= 4; count += 1) {
      await publications(count);
      server.acknowledge(server.replies.at(-1), full);
    }
    expect(told).toEqual([]);
    await publications(7);
    const isSilent = told[0]!.again();
    server.acknowledge(server.replies.at(-1), full);
    expect(isSilent()).toBe(false);
    server.acknowledge(server.replies.at(-1));
    await sent;
  });

  test('is not silent when it was the connection that was lost', async () => {
    const sent = send('a');
    await publications(2);
    window.connectionLost();
    window.connectionBack();
    expect(server.published).toHaveLength(3);
    await publications(4);
    expect(told).toEqual([]);
    await publications(5);
    const isSilent = told[0]!.again();
    window.connectionLost();
    expect(isSilent()).toBe(false);
    expect(told[0]!.again()()).toBe(false);
    window.connectionBack();
    expect(isSilent()).toBe(false);
    server.acknowledge(server.replies.at(-1));
    await sent;
  });
});
