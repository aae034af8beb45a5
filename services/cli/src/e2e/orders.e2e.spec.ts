/** What people tell a directive that is under way, on a whole stack. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DirectiveDocument, DirectiveSummary, RecordedEvent } from '@writ/contracts';
import { eventually, TestStack } from '@writ/testing';

jest.setTimeout(240_000);
let stack: TestStack;
beforeAll(async () => {
  stack = await TestStack.start();
});
afterAll(() => stack.stop());

const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=u', '-c', 'user.email=u@x', ...args], {
    cwd,
    stdio: 'pipe',
  })
    .toString()
    .trim();

function write(name: string, value: unknown): string {
  const path = join(stack.home, name);
  writeFileSync(path, JSON.stringify(value));
  return path;
}
type Step = { name: string } & Record<string, unknown>;
const shell = (name: string, script: string, more: object = {}): Step => ({
  ...{ name, adapter: { kind: 'shell', script }, verify: 'none', ...more },
});
async function submit(name: string, steps: Step[], more: object = {}): Promise<string> {
  const directive = { title: name, goal: name, autonomy: 'full_auto', chain: { steps }, ...more };
  const { directiveId } = await stack.json<{ directiveId: string }>([
    ...['submit', write(`${name}.json`, directive)],
  ]);
  return directiveId;
}
const show = (id: string) => stack.json<DirectiveDocument>(['show', id]);
async function until(id: string, what: string, holds: (it: DirectiveDocument) => boolean) {
  await eventually(async () => holds(await show(id)), { what, timeoutMs: 60_000 });
}
const isRunning = (step: string) => (it: DirectiveDocument) =>
  it.steps.some(({ name, status }) => name === step && status === 'running');
async function eventsOf(id: string): Promise<RecordedEvent[]> {
  const { stdout } = await stack.writ(['events', '--directive', id, '--json']);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RecordedEvent);
}

test('stop ends what runs within five seconds, the processes too', async () => {
  const script = 'trap "" TERM; while :; do sleep 0.1; done';
  const id = await submit('endless', [shell('endless', script)]);
  await until(id, 'the step to run', isRunning('endless'));
  await eventually(async () => (await eventsOf(id)).some(({ type }) => type === 'RunClaimed'), {
    what: 'its claim',
  });
  await stack.json(['stop', id]);
  const isOver = async () => (await eventsOf(id)).some(({ type }) => type === 'RunEnded');
  await eventually(isOver, { what: 'the end of its run', timeoutMs: 15_000 });
  const events = await eventsOf(id);
  const at = (type: string) =>
    Date.parse(events.find((event) => event.type === type)?.recordedAt ?? '');
  expect(at('RunEnded') - at('DirectiveStopped')).toBeLessThan(5_000);
  expect((await show(id)).status).toBe('stopped');
});

test('a cut pause, an amendment, raised limits and another chain, each on the record', async () => {
  const steps = [shell('wait', 'sleep 60'), { ...shell('after', 'true'), dependsOn: ['wait'] }];
  const id = await submit('orders', steps);
  await until(id, 'the step to run', isRunning('wait'));
  await stack.json(['pause', id, '--cut', '--reason', 'a look']);
  await stack.json(['resume', id]);
  await until(id, 'the step to start anew', (it) => it.steps[0]?.attempt === 2);

  const changes = { goal: 'Another', limits: { maxParallelSteps: 7 } };
  const amended = await stack.json<{ changes: { path: string }[] }>([
    ...['amend', id, write('changes.json', changes)],
  ]);
  expect(amended.changes.map(({ path }) => path)).toEqual(['/goal', '/limits/maxParallelSteps']);
  expect((await stack.writ(['raise-limit', id, '--max-failed-steps', '1'])).code).toBe(2);
  await stack.json(['raise-limit', id, '--max-failed-steps', '9']);

  const kept = { name: 'kept', adapter: { kind: 'echo' }, verify: 'none' };
  await stack.json(['step', 'add', id, write('step.json', kept)]);
  await until(id, 'what was added', (it) => it.steps.some((step) => step.status === 'passed'));
  const bad = await stack.writ(['step', 'add', id, write('bad.json', { ...kept, name: 'B' })]);
  expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('bad.json:1:')]);
  const chain = { steps: [kept, { ...shell('last', 'true'), dependsOn: ['kept'] }] };
  const replanned = await stack.json<{ changes: object }>([
    'replan',
    id,
    write('chain.json', chain),
  ]);
  expect(replanned.changes).toEqual({
    ...{ kept: ['kept'], added: ['last'], changed: [], dropped: ['wait', 'after'] },
  });
  await until(id, 'the end', ({ status }) => status === 'completed');
  const types = (await eventsOf(id)).map(({ type }) => type);
  expect(types.filter((type) => type === 'RunOrphaned')).toHaveLength(2);
  expect((await stack.writ(['resume', id])).code).toBe(5);

  await stack.json(['archive', id]);
  const list = await stack.json<DirectiveSummary[]>(['list']);
  expect(list.map((it) => it.id)).not.toContain(id);
  const archived = await stack.json<DirectiveSummary[]>(['list', '--status', 'archived']);
  expect(archived.map((it) => it.id)).toContain(id);
});

test('a suspension is left by a step that is skipped, or by a fork that goes another way', async () => {
  const steps = [
    ...[shell('bad', 'exit 3'), shell('good', 'true'), shell('long', 'sleep 2')],
    { ...shell('next', 'true'), dependsOn: ['bad'] },
  ];
  const limits = { maxFailedSteps: 0, maxParallelSteps: 4 };
  const id = await submit('suspended', steps, { limits });
  await until(id, 'a suspension', ({ status }) => status === 'suspended');
  expect((await show(id)).suspension).toMatchObject({ kind: 'failed_steps' });
  expect((await stack.writ(['resume', id])).code).toBe(5);
  await until(id, 'what runs to end', (it) => it.steps[2]?.status === 'passed');

  const mended = { steps: [shell('bad', 'exit 0'), ...steps.slice(1)] };
  const forked = await stack.json<{ directiveId: string; kept: string[] }>([
    ...['fork', id, '--chain', write('mended.json', mended)],
  ]);
  expect(forked.kept).toEqual(['good', 'long']);
  await until(forked.directiveId, 'the end of the fork', (it) => it.status === 'completed');

  const skipped = await stack.json<{ reopened: string[] }>(['skip', id, 'bad']);
  expect(skipped.reopened).toEqual(['next']);
  await until(id, 'the end', ({ status }) => status === 'completed');
});

test('a rollback takes the branch back, keeps what was there, and the step runs anew', async () => {
  const repository = join(stack.home, 'repository');
  mkdirSync(repository);
  git(repository, 'init', '-q', '-b', 'main');
  git(repository, 'commit', '-qm', 'first', '--allow-empty');
  const script = 'if [ $WRIT_ATTEMPT = 1 ]; then echo worse; else echo better; fi > b.txt';
  const steps = [
    shell('a', 'echo a > a.txt'),
    { ...shell('b', script), dependsOn: ['a'] },
    { ...shell('c', 'sleep 60'), dependsOn: ['b'] },
  ];
  const id = await submit('rollback', steps, { workspace: { kind: 'git', repository } });
  await until(id, 'c to run', isRunning('c'));
  const branch = `writ/${id}`;
  expect(git(repository, 'show', `${branch}:b.txt`)).toBe('worse');
  expect((await stack.writ(['rollback', id, 'b'])).code).toBe(5); // something runs
  await stack.json(['pause', id, '--cut']);
  await eventually(async () => (await eventsOf(id)).some(({ type }) => type === 'RunOrphaned'), {
    what: 'the end of what was cut',
  });
  const { steps: back } = await stack.json<{ steps: string[] }>(['rollback', id, 'b']);
  expect(back).toEqual(['b', 'c']);
  const isBack = async () => (await eventsOf(id)).some(({ type }) => type === 'RolledBack');
  await eventually(isBack, { what: 'the branch to be back' });
  expect(() => git(repository, 'show', `${branch}:b.txt`)).toThrow();
  expect(git(repository, 'for-each-ref', 'refs/writ/rolled-back')).toContain(id);
  await stack.json(['resume', id]);
  await until(id, 'b anew', (it) => it.steps[1]?.status === 'passed' && it.steps[1].attempt === 2);
  expect(git(repository, 'show', `${branch}:b.txt`)).toBe('better');
  expect(existsSync(join(repository, 'a.txt'))).toBe(false);
  await stack.json(['stop', id]);
});
