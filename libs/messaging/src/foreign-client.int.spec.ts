/** A client without any library: the text protocol of NATS over a socket, as anybody may write it. */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { eventually, testNats } from '@writ/testing';
import type { TestNats } from '@writ/testing';
import { someConsumer } from './bus-world.conformance';
import type { Incoming } from './bus';
import { connectJetStreamBus } from './connect-jetstream-bus';
import type { JetStreamBus } from './jetstream-bus';

class Stranger {
  private received = '';
  private subscriptions = 0;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (bytes) => (this.received += bytes.toString()));
  }

  static async at(url: string): Promise<Stranger> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const stranger = new Stranger(socket);
    stranger.say('CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n');
    return stranger;
  }

  say(text: string): void {
    this.socket.write(text);
  }

  publish(subject: string, body: string): void {
    this.say(`PUB ${subject} ${Buffer.byteLength(body)}\r\n${body}\r\n`);
  }

  publishWithHeaders(subject: string, headers: Record<string, string>, body: string): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const block = `NATS/1.0\r\n${lines.join('')}\r\n`;
    const length = Buffer.byteLength(block);
    const total = length + Buffer.byteLength(body);
    this.say(`HPUB ${subject} ${length} ${total}\r\n${block}${body}\r\n`);
  }

  subscribe(subject: string): void {
    this.subscriptions += 1;
    this.say(`SUB ${subject} ${this.subscriptions}\r\n`);
  }

  /** The body of the first message on a subject. */
  async hear(subject: string): Promise<unknown> {
    const form = new RegExp(`MSG ${subject.replaceAll('.', '\\.')} \\d+ \\d+\\r\\n([^\\r]*)\\r\\n`);
    const found = await eventually(() => form.exec(this.received) ?? false, { what: subject });
    return JSON.parse((found as RegExpExecArray)[1]!);
  }

  leave(): void {
    this.socket.destroy();
  }
}

describe('a client that knows only the protocol of NATS', () => {
  let nats: TestNats;
  let bus: JetStreamBus;
  let stranger: Stranger;
  const heard: Incoming[] = [];
  const consumer = someConsumer({
    stream: 'WRIT_COMMANDS',
    subject: 'writ.command.directive.>',
  });

  beforeAll(async () => {
    nats = await testNats();
    bus = await connectJetStreamBus({ servers: nats.url, name: 'planner' });
    const parse = (data: unknown) => {
      if (typeof (data as { title?: unknown }).title === 'string') return data;
      throw new Error('title: is required');
    };
    await bus.consume(consumer, { parse, concurrency: 4 }, async (message) => {
      heard.push(message);
      return { ok: true, directiveId: 'abcdefgh', version: 1, position: 1 };
    });
    stranger = await Stranger.at(nats.url);
  });
  afterAll(async () => {
    stranger.leave();
    await bus.drain(0);
    await nats.stop();
  });

  it('gives a command with one line', async () => {
    stranger.publish('writ.command.directive.create', '{"title":"one line"}');
    await eventually(() => heard.length === 1, { what: 'the command' });
    expect(heard[0]).toMatchObject({
      data: { title: 'one line' },
      attributes: { id: expect.stringMatching(/^WRIT_COMMANDS-1-\d+$/), source: '/unknown' },
      deliveryCount: 1,
    });
    expect(heard[0]?.replyTo).toBeUndefined();
  });

  it('gets the answer where it asks for it', async () => {
    stranger.subscribe('answers.1');
    const headers = { 'Writ-Reply-To': 'answers.1', 'Ce-Id': 'command-1' };
    stranger.publishWithHeaders('writ.command.directive.create', headers, '{"title":"asked"}');
    expect(await stranger.hear('answers.1')).toEqual({
      ok: true,
      directiveId: 'abcdefgh',
      version: 1,
      position: 1,
    });
    expect(heard.at(-1)?.attributes.id).toBe('command-1');
  });

  it('is told what is wrong with its command', async () => {
    stranger.subscribe('answers.2');
    const headers = { 'writ-reply-to': 'answers.2' };
    stranger.publishWithHeaders('writ.command.directive.create', headers, '{"titel":"typo"}');
    expect(await stranger.hear('answers.2')).toMatchObject({
      ok: false,
      error: { code: 'malformed', message: 'title: is required' },
    });
    stranger.subscribe('answers.3');
    const other = { 'writ-reply-to': 'answers.3' };
    stranger.publishWithHeaders('writ.command.directive.create', other, '{"title":');
    expect(await stranger.hear('answers.3')).toMatchObject({
      ok: false,
      error: { code: 'malformed', message: expect.stringContaining('not JSON') },
    });
  });

  it('asks a query, and gets the answer or the error as JSON', async () => {
    await bus.answer('writ.query.planner.directives', async (data) => ({ asked: data }));
    stranger.subscribe('answers.4');
    stranger.say('PUB writ.query.planner.directives answers.4 2\r\n{}\r\n');
    expect(await stranger.hear('answers.4')).toEqual({ asked: {} });
  });
});
