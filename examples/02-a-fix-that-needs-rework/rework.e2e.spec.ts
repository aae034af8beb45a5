import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApprovalDocument, DirectiveDocument, RunDocument } from '@writ/contracts';
import { TestStack } from '@writ/testing';

const file = join(__dirname, 'directive.yaml');
let stack: TestStack;
let repository: string;

const git = (...argv: string[]) =>
  execFileSync('git', ['-C', repository, ...argv], { encoding: 'utf8' }).trim();

const test = `said=$(cat greeting.txt 2>/dev/null)
[ "$said" = "good morning" ] && exit 0
echo "expected \\"good morning\\", found \\"$said\\""
exit 1
`;

beforeAll(async () => {
  repository = mkdtempSync(join(tmpdir(), 'writ-rework-'));
  git('init', '--quiet', '--initial-branch', 'main');
  writeFileSync(join(repository, 'test.sh'), test);
  git('add', '--all');
  git('-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', 'commit', '-qm', 'a failing test');
  stack = await TestStack.start();
}, 120_000);

afterAll(async () => {
  await stack?.stop();
  rmSync(repository, { recursive: true, force: true });
}, 60_000);

const pending = () => stack.json<ApprovalDocument[]>(['approvals']);
const show = (id: string) => stack.json<DirectiveDocument>(['show', id]);

async function submit(): Promise<string> {
  const asked = ['run', file, '--var', `repository=${repository}`, '--json'];
  const { code, stdout } = await stack.writ(asked);
  expect(code).toBe(6); // it waits for a person
  return (JSON.parse(stdout) as DirectiveDocument).id;
}

/** Waits, as a person does who is told that there is something to decide. */
async function asked(id: string): Promise<ApprovalDocument> {
  const found = (await pending()).find(({ directiveId }) => directiveId === id);
  if (found === undefined) throw new Error(`nothing waits for a decision about ${id}`);
  return found;
}

describe('a fix that needs rework', () => {
  let id: string;

  it('is sent back by its test, again and again as it is manual, each time with what the test said', async () => {
    id = await submit();
    const first = await asked(id);
    expect(first.context).toMatchObject({ reworkProposed: true, confidence: { level: 'red' } });
    const more = ['--digest', first.digest, '--rework', '--comment', 'do what the test says'];
    await stack.json(['deny', first.id, ...more, '--as', 'ada']);
    expect((await stack.writ(['watch', id, '--timeout', '3'])).code).toBe(7); // it waits again
    const second = await asked(id);
    expect(second.id).not.toBe(first.id);
    expect(second.context.confidence).toMatchObject({ level: 'green', score: 1 });
    const run = await stack.json<RunDocument>(['run-info', second.context.runId ?? '']);
    expect(run.stdout).toContain('attempt 2: do what the test says');
  }, 120_000);

  it('is not merged before somebody has approved what is there', async () => {
    const { branch } = (await show(id)).workspace;
    expect(git('ls-tree', '--name-only', String(branch))).toBe('test.sh');
    const { id: approval, digest } = await asked(id);
    const other = `sha256:${'0'.repeat(64)}`;
    expect((await stack.writ(['approve', approval, '--digest', other])).code).toBe(5);
    const decided = await stack.json<object>([
      ...['approve', approval, '--digest', digest, '--as', 'grace', '--comment', 'good'],
    ]);
    expect(decided).toEqual({
      ...{ approvalId: approval, decision: 'approve', position: expect.any(Number) as number },
    });
    expect((await stack.writ(['watch', id])).code).toBe(0);
    expect(git('show', `${branch}:greeting.txt`)).toBe('good morning');
    expect(git('rev-parse', `${branch}~1`)).toBe(git('rev-parse', 'main'));
  }, 60_000);

  it('is on record: who decided what, about which digest, and what it cost in attempts', async () => {
    const directive = await show(id);
    expect(directive).toMatchObject({
      status: 'completed',
      steps: [{ name: 'mend', status: 'passed', attempt: 2 }],
      criteria: [{ id: 'AC1', met: true }],
      approvals: [
        { status: 'reworked', votes: [{ by: 'ada', comment: 'do what the test says' }] },
        { status: 'approved', votes: [{ by: 'grace', comment: 'good' }] },
      ],
    });
    expect(await pending()).toEqual([]);
    expect(await stack.json(['list'])).toMatchObject([{ id, approvals: directive.approvals }]);
    const late = directive.approvals[1]!;
    const again = await stack.writ(['deny', late.id, '--digest', late.digest]);
    expect([again.code, again.stderr]).toEqual([5, expect.stringContaining('approved already')]);
    const { projections } = await stack.json<{ projections: { name: string; equal: boolean }[] }>([
      ...['rebuild', '--check'],
    ]);
    expect(projections.filter(({ equal }) => !equal)).toEqual([]);
  }, 60_000);
});
