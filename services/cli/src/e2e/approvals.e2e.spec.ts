/** What waits for a person, on a whole stack: asked, answered, looked at, edited, merged. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApprovalDocument, ApprovalReview, DirectiveDocument } from '@writ/contracts';
import { eventually, TestStack } from '@writ/testing';

jest.setTimeout(240_000);
let stack: TestStack;
beforeAll(async () => {
  stack = await TestStack.start();
});
afterAll(() => stack.stop());

const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=u', '-c', 'user.email=u@x', ...args], { cwd }).toString();

async function pending(id: string, type: string): Promise<ApprovalDocument> {
  let found: ApprovalDocument | undefined;
  const look = async () => {
    const all = await stack.json<ApprovalDocument[]>(['approvals', '--directive', id]);
    found = all.find((it) => it.type === type);
    return found !== undefined;
  };
  await eventually(look, { what: `a ${type} of ${id}`, timeoutMs: 60_000 });
  return found as ApprovalDocument;
}

test('a question is answered, a person checks, and what is approved with an edit is merged', async () => {
  const repository = join(stack.home, 'repository');
  mkdirSync(repository);
  git(repository, 'init', '-q', '-b', 'main');
  git(repository, 'commit', '-qm', 'first', '--allow-empty');
  const file = join(stack.home, 'greeting.json');
  const steps = [
    { name: 'ask', adapter: { kind: 'human', question: 'Which?', choices: ['hello', 'hi'] } },
    {
      ...{ name: 'greet', dependsOn: ['ask'], idempotent: true },
      adapter: {
        kind: 'shell',
        script: 'cat "$WRIT_INPUTS/answers/ask.json"; echo "debugger hello" > greeting.txt',
      },
      verify: [
        { kind: 'program', argv: ['test', '-s', 'greeting.txt'] },
        { kind: 'human', name: 'reads well', question: 'Does it read well?' },
      ],
    },
  ];
  const directive = {
    ...{ title: 'Greeting', goal: 'A greeting', autonomy: 'manual', chain: { steps } },
    approvals: { checklist: ['read it', 'is polite'] },
    workspace: { kind: 'git', repository },
  };
  writeFileSync(file, JSON.stringify(directive));
  const { directiveId: id } = await stack.json<{ directiveId: string }>(['submit', file]);

  const asked = await pending(id, 'question');
  const said = ['answer', asked.id, '--digest', asked.digest, '--choice', 'hello', '--as', 'ada'];
  await stack.json(said);
  expect((await stack.writ(said)).code).toBe(5); // it is answered already

  const check = await pending(id, 'human_check');
  await stack.json(['approve', check.id, '--digest', check.digest, '--as', 'bob']);

  const { id: review, digest } = await pending(id, 'step_review');
  await stack.json(['ask', review, '--question', 'why debugger?', '--as', 'bob']);
  await stack.json(['answer', review, '--text', 'forgotten', '--as', 'ada']);
  const shown = await stack.json<ApprovalDocument & ApprovalReview>(['approvals', 'show', review]);
  expect(shown).toMatchObject({
    ...{ id: review, digest, checklist: ['read it', 'is polite'] },
    run: { result: 'success', adapter: 'shell 1', tries: 1 },
    checks: [
      { kind: 'program', outcome: 'passed' },
      { kind: 'human', name: 'reads well', outcome: 'passed', message: 'approved by bob' },
    ],
    questions: [{ text: 'why debugger?', by: 'bob', answers: [{ text: 'forgotten', by: 'ada' }] }],
    artifacts: [{ path: 'greeting.txt', change: 'added' }],
  });
  expect(shown.run?.stdout).toContain('"answer":"hello"');
  expect(shown.diff?.text).toContain('+debugger hello');
  expect(shown.health?.points).toContainEqual(
    expect.objectContaining({ name: 'to-do and debug marks', points: 5 }),
  );
  const [page, request] = [join(stack.home, 'r.html'), join(stack.home, 'REQUEST.md')];
  await stack.writ(['approvals', 'show', review, '--html', page, '--request-md', request]);
  expect(readFileSync(page, 'utf8')).toContain('<span class="added">+debugger hello</span>');
  expect(readFileSync(request, 'utf8')).toMatch(/^# Request: greet of Greeting\n/);
  expect(existsSync(join(repository, 'greeting.txt'))).toBe(false);

  const approve = ['approve', review, '--digest', digest, '--as', 'ada'];
  const refused = await stack.writ(approve);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('not ticked: 1 (read it), 2 (is polite)');
  const mine = join(stack.home, 'mine.txt');
  writeFileSync(mine, 'hello and welcome\n');
  const elsewhere = ['--tick', 'all', '--edit', `other.txt=${mine}`];
  expect((await stack.writ([...approve, ...elsewhere])).code).toBe(4);
  await stack.json([...approve, '--tick', 'all', '--edit', `greeting.txt=${mine}`]);

  expect((await stack.writ(['watch', id, '--timeout', '60'])).code).toBe(0);
  const done = await stack.json<DirectiveDocument>(['show', id]);
  expect(done.status).toBe('completed');
  expect(done.steps.map(({ artifacts }) => artifacts[0]?.authoredBy)).toEqual(['ada', 'ada']);
  const branch = `writ/${id}`;
  expect(git(repository, 'show', `${branch}:greeting.txt`)).toBe('hello and welcome\n');
  expect(git(repository, 'log', '--format=%an', `main..${branch}`)).toBe('ada\nWrit\n');
  const all = await stack.json<ApprovalDocument[]>(['approvals', 'list', '--status', 'all']);
  expect(all.map(({ type, status }) => `${type} ${status}`)).toEqual([
    ...['question approved', 'human_check approved', 'step_review approved'],
  ]);
  const rebuilt = await stack.json<{ projections: { equal: boolean }[] }>(['rebuild', '--check']);
  expect(rebuilt.projections.every(({ equal }) => equal)).toBe(true);
});
