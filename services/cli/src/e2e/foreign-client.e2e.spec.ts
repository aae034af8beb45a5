/**
 * A client that has nothing of ours but the address in the stack file: it speaks the NATS protocol
 * over a bare socket.
 */
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { CommandAnswer, DirectiveDocument } from '@writ/contracts';
import { eventually, TestStack } from '@writ/testing';

let stack: TestStack;
let socket: Socket;
let heard = '';

beforeAll(async () => {
  stack = await TestStack.start();
  const { hostname, port, username } = new URL((await stack.file()).natsUrl);
  socket = connect(Number(port), hostname);
  socket.setEncoding('utf8').on('data', (text: string) => {
    heard += text;
    if (text.includes('PING\r\n')) socket.write('PONG\r\n');
  });
  const options = { verbose: false, headers: true, auth_token: username };
  socket.write(`CONNECT ${JSON.stringify(options)}\r\nSUB answers 1\r\nPING\r\n`);
  await eventually(() => heard.includes('PONG'), { what: 'the server to know the client' });
}, 120_000);

afterAll(async () => {
  socket?.destroy();
  await stack?.stop();
}, 60_000);

function publish(subject: string, headers: Record<string, string>, body: string): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `NATS/1.0\r\n${lines.join('')}\r\n`;
  const total = Buffer.byteLength(head) + Buffer.byteLength(body);
  socket.write(`HPUB ${subject} ${Buffer.byteLength(head)} ${total}\r\n${head}${body}\r\n`);
}

async function answer(): Promise<CommandAnswer> {
  const body = () =>
    /H?MSG answers 1[^\r]*\r\n(?:NATS\/1\.0[\s\S]*?\r\n\r\n)?(\{.*\})\r\n/.exec(heard)?.[1];
  await eventually(() => body() !== undefined, { what: 'the answer to the command' });
  const text = body() ?? '';
  heard = '';
  return JSON.parse(text) as CommandAnswer;
}

const directive = {
  title: 'from afar',
  goal: 'be taken',
  chain: { steps: [{ name: 'one', adapter: { kind: 'echo' }, verify: 'none' }] },
};

it('publishes a command with two headers and is answered', async () => {
  const headers = { 'ce-id': randomUUID(), 'writ-reply-to': 'answers' };
  publish('writ.command.directive.create', headers, JSON.stringify({ directive }));
  const created = await answer();
  if (!created.ok) throw new Error(created.error.message);
  await eventually(
    async () => {
      const shown = await stack.json<DirectiveDocument>(['show', created.directiveId]);
      expect(shown).toMatchObject({ title: 'from afar', status: 'completed' });
    },
    { what: 'the directive to complete', every: 200 },
  );
}, 60_000);

it('publishes one without any header, in one line', async () => {
  const body = JSON.stringify({ directive: { ...directive, title: 'one line' } });
  socket.write(`PUB writ.command.directive.create ${Buffer.byteLength(body)}\r\n${body}\r\n`);
  await eventually(
    async () => {
      const listed = await stack.json<DirectiveDocument[]>(['list']);
      expect(listed.map((it) => `${it.title} ${it.status}`)).toContain('one line completed');
    },
    { what: 'the directive to be listed as completed', every: 200 },
  );
}, 60_000);

it('is told what is wrong with a malformed one, and the original is kept', async () => {
  publish(
    'writ.command.directive.create',
    { 'writ-reply-to': 'answers' },
    '{"directive": {"title":',
  );
  expect(await answer()).toMatchObject({ ok: false, error: { code: 'malformed' } });
  const letters = await stack.json<{ id: string }[]>(['dlq', 'ls']);
  expect(letters).toHaveLength(1);
  const letter = await stack.json<Record<string, unknown>>(['dlq', 'show', letters[0]?.id ?? '']);
  expect(JSON.stringify(letter)).toContain('writ.command.directive.create');
}, 60_000);
