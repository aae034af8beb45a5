/** The workers of this folder, each a process of its own, work for a whole stack. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DirectiveDocument, RunDocument } from '@writ/contracts';
import { TestStack } from '@writ/testing';

const root = resolve(__dirname, '../..');
const MOST_LINES = 79;
const workers = {
  bash: { file: 'bash/worker.sh', argv: ['bash', join(__dirname, 'bash/worker.sh')] },
  python: { file: 'python/worker.py', argv: ['python3', join(__dirname, 'python/worker.py')] },
  typescript: {
    file: 'typescript/worker.ts',
    argv: [
      process.execPath,
      join(root, '.config/from-sources.cjs'),
      'examples/workers/typescript/worker.ts',
    ],
  },
};

let stack: TestStack;
const processes: ChildProcess[] = [];

beforeAll(async () => {
  stack = await TestStack.start();
  const { natsUrl } = await stack.file();
  const { username, host } = new URL(natsUrl);
  const place = { NATS_URL: `nats://${host}`, NATS_TOKEN: decodeURIComponent(username) };
  for (const { argv } of Object.values(workers)) {
    const [program = '', ...rest] = argv;
    const env = { ...process.env, ...place };
    processes.push(spawn(program, rest, { env, stdio: ['ignore', 'ignore', 'inherit'] }));
  }
}, 120_000);

afterAll(async () => {
  for (const child of processes) child.kill('SIGKILL');
  await stack?.stop();
}, 60_000);

it.each(Object.values(workers))('$file is a file of one sitting', ({ file }) => {
  const lines = readFileSync(join(__dirname, file), 'utf8').trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(MOST_LINES);
});

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

it('a directive of three languages is completed, with what each worker made', async () => {
  const ended = await stack.json<DirectiveDocument>(['run', join(__dirname, 'directive.yaml')]);
  expect(ended.status).toBe('completed');
  const runs = await Promise.all(
    ended.steps.map(({ runId }) => stack.json<RunDocument>(['run-info', runId ?? ''])),
  );
  expect(runs.map(({ result, adapter }) => [result, adapter?.kind])).toEqual([
    ['success', 'worker'],
    ['success', 'worker'],
    ['success', 'worker'],
  ]);
  const made = runs.flatMap(({ artifacts }) => artifacts);
  const digests = Object.fromEntries(made.map(({ path, digest }) => [path, digest]));
  expect(digests).toMatchObject({
    words: `sha256:${sha256('6\n')}`,
    turned: `sha256:${sha256('}1:"sdnoces"{')}`,
    digest: `sha256:${sha256(`${sha256('{"seconds":1}')}  -\n`)}`,
  });
}, 120_000);

it('a step that is stopped ends within 5 s, and its worker is there for others', async () => {
  const step = (name: string, seconds: number) => ({
    ...{ name, type: 'implement' },
    adapter: { kind: 'worker', name: 'words-python', input: { seconds } },
  });
  const file = (steps: object[]) =>
    JSON.stringify({ title: 'wait', goal: 'wait', autonomy: 'full_auto', chain: { steps } });
  const submit = async (text: string) => {
    const path = join(stack.home, 'waiting.json');
    writeFileSync(path, text);
    return (await stack.json<{ directiveId: string }>(['submit', path])).directiveId;
  };
  const id = await submit(file([step('long', 600)]));
  const show = () => stack.json<DirectiveDocument>(['show', id]);
  for (let tries = 0; tries < 60; tries += 1) {
    const [first] = (await show()).steps;
    const logs = first?.runId ? await stack.writ(['run-info', first.runId, '--json']) : undefined;
    if (logs?.code === 0) break;
  }
  await stack.json(['stop', id]);
  const began = Date.now();
  expect((await stack.writ(['watch', id, '--timeout', '5'])).code).not.toBe(7);
  expect(Date.now() - began).toBeLessThan(5_000);
  const next = await submit(file([step('short', 0)]));
  expect((await stack.writ(['watch', next, '--timeout', '60'])).code).toBe(0);
}, 120_000);
