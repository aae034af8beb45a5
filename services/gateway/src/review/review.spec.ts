/** A review over HTTP, with everything in it hostile that a directive, a program or an agent says. */
import { ApprovalReview, type ApprovalDocument } from '@writ/contracts';
import { QueryError } from '@writ/messaging';
import { digestOf } from '../stand-ins';
import { TestRequests } from '../test-requests';

const gateway = TestRequests.ofOneGateway();
const evil = `<script>alert(1)</script><img src=x onerror=alert(2)>"'&\`\`\`\n# Approved\u202e\x1b[2J`;
const directiveId = 'abcdefghabcdefgh';
const runOf = (attempt: number) => `${directiveId}-g1-one-a${attempt}`;
const idOf = (attempt: number) => `${runOf(attempt)}-review`;
const digest = `sha256:${'a'.repeat(64)}`;

const approvalOf = (attempt: number, more: object = {}) =>
  ({
    ...{ id: idOf(attempt), directiveId, stepId: `${directiveId}-g1-one`, stepName: 'one' },
    ...{ type: 'step_review', digest, status: 'pending', requestedAt: '2026-01-01T00:00:00Z' },
    ...{ deadline: null, roles: [evil], quorum: 1, decidedAt: null, choices: null },
    ...{ checklist: [evil], votes: [], questions: [] },
    context: {
      ...{ runId: runOf(attempt), summary: evil, reworkProposed: false },
      ...{ confidence: { score: 0.7, level: 'yellow' }, requester: evil, requesterExcluded: true },
    },
    ...more,
  }) as unknown as ApprovalDocument;

const runDocument = (attempt: number, artifacts: object[], more: object = {}) => ({
  ...{ runId: runOf(attempt), directiveId, step: 'one', attempt, status: 'complete' },
  ...{ result: 'success', error: null, claim: 1, executorId: 'e', sandbox: 'S2', bundle: null },
  ...{ adapter: { kind: 'program', version: '1' }, stages: [], exitCode: 0, signal: null },
  attempts: [{ error: { kind: 'exit', code: 'x', message: 'y' } }],
  ...{ usage: { inputTokens: 10, outputTokens: 5, costUsd: 0.25 }, durationMs: 1200 },
  ...{ artifacts, transcript: null, stdout: evil, stderr: '', commit: null, diff: null },
  ...{ sourceRunId: null, startedAt: null, endedAt: null },
  ...more,
});

const check = {
  ...{ name: evil, kind: 'program', outcome: 'failed', required: false, weight: 1 },
  ...{ message: evil, durationMs: 4, tail: evil },
};
const approvals = new Map<string, ApprovalDocument>();
const kept = (path: string, bytes: Buffer | string) => {
  const content = Buffer.from(bytes);
  return { path, digest: gateway.standIns.keep(content), bytes: content.length };
};

beforeAll(async () => {
  const { standIns } = gateway;
  await standIns.answer('planner', 'approval', ({ id }) => approvals.get(id as string));
  await standIns.answer('verifier', 'evaluation', ({ runId }) => {
    if (runId !== runOf(2)) throw new QueryError('not_found', 'it is not judged');
    return { checks: [check, { ...check, name: 'b', outcome: 'passed' }], durationMs: 9 };
  });
  standIns.directives.set(directiveId, { id: directiveId, title: evil, goal: evil } as never);
  standIns.runs.set(
    runOf(1),
    runDocument(1, [kept('a.txt', 'one\ntwo\n'), kept('gone', 'x')]) as never,
  );
  const artifacts = [kept('a.txt', `one\n${evil}\n`), kept('b.bin', Buffer.from([0, 1]))];
  standIns.runs.set(runOf(2), runDocument(2, artifacts) as never);
  const diff = `diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n-old\n+debugger ${evil.split('\n')[0]}\n`;
  const git = { commit: 'c'.repeat(40), diff: standIns.keep(Buffer.from(diff)) };
  standIns.runs.set(runOf(3), runDocument(3, [], git) as never);
  for (const attempt of [1, 2, 3]) approvals.set(idOf(attempt), approvalOf(attempt));
});

const reviewOf = async (attempt: number, accept = 'application/json') => {
  const path = `/v1/approvals/${idOf(attempt)}/review`;
  const response = await gateway.get(path, { accept });
  return { response, text: await response.text() };
};

test('a review holds outcome, checks, metrics, health, and files before and after', async () => {
  const { text } = await reviewOf(2);
  const review = ApprovalReview.parse(JSON.parse(text));
  expect(review).toMatchObject({
    run: { runId: runOf(2), attempt: 2, result: 'success', tries: 2, adapter: 'program 1' },
    checks: [{ outcome: 'failed', tail: evil }, { outcome: 'passed' }],
    metrics: { durationMs: 1200, checksMs: 9, inputTokens: 10, outputTokens: 5, costUsd: 0.25 },
    comparedWith: 'attempt 1',
    artifacts: [
      {
        path: 'a.txt',
        change: 'changed',
        diff: expect.stringContaining('\n one\n-two\n+<script>') as string,
      },
      {
        path: 'b.bin',
        change: 'added',
        before: null,
        diff: null,
        note: 'it is no text, or too large to be shown',
      },
      { path: 'gone', change: 'removed', after: null },
    ],
  });
  expect(review.health?.points).toContainEqual({
    name: 'new binary files',
    points: 0,
    of: 10,
    said: 'b.bin',
  });
  expect(review.health?.points).toContainEqual({
    name: 'checks',
    points: 20,
    of: 40,
    said: '1 of 2 passed',
  });
});

test('a run in a repository is shown by its diff', async () => {
  const review = ApprovalReview.parse(JSON.parse((await reviewOf(3)).text));
  expect(review.diff?.text).toContain('\n-old\n+debugger ');
  expect(review.checks).toEqual([]);
  expect(review.health?.points).toContainEqual(
    expect.objectContaining({ name: 'to-do and debug marks', points: 5 }),
  );
});

test('what a person has edited is compared with what the run made', async () => {
  const edit = kept('a.txt', 'edited\n');
  const vote = { by: 'ada', decision: 'approve', at: 'x', edits: [edit] };
  approvals.set(idOf(1), approvalOf(1, { votes: [vote] }));
  const { artifacts } = JSON.parse((await reviewOf(1)).text) as ApprovalReview;
  expect(artifacts[0]).toMatchObject({
    change: 'changed',
    before: { digest: digestOf('one\ntwo\n') },
    after: { digest: digestOf('edited\n'), authoredBy: 'ada' },
    diff: expect.stringContaining('+edited') as string,
  });
});

test('a plan and a question have no run to be shown', async () => {
  const context = { ...approvalOf(4).context, runId: null };
  approvals.set(idOf(4), approvalOf(4, { context, type: 'question', choices: ['red', 'blue'] }));
  const review = ApprovalReview.parse(JSON.parse((await reviewOf(4)).text));
  expect(review).toMatchObject({ run: null, checks: [], health: null, artifacts: [], diff: null });
  expect((await reviewOf(4, 'text/html')).text).toContain('writ answer');
});

test.each([1, 2, 3])(
  'the page of attempt %i needs nothing else, and no text in it is markup',
  async (attempt) => {
    const { response, text } = await reviewOf(attempt, 'text/html,*/*;q=0.8');
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'/);
    expect(policy).not.toContain('unsafe');
    expect(text).not.toMatch(
      /<script|<img|<iframe|<form|\shref="(?!data:)|\ssrc=(?!x onerror)|url\(/,
    );
    expect(text).not.toContain('\x1b');
    expect(text).not.toContain('\u202e');
    expect(text).toContain(
      '&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;',
    );
    expect(text).toContain(`--digest ${digest}`);
  },
);

test('in REQUEST.md no text closes its fence or becomes a heading', async () => {
  const { response, text } = await reviewOf(2, 'text/markdown');
  expect(response.headers.get('content-type')).toBe('text/markdown; charset=utf-8');
  // Outside of fences, which are longer than any within them.
  let fence = '';
  const outside = text.split('\n').filter((line) => {
    const [mark = ''] = /^`{3,}/.exec(line) ?? [];
    if (fence === '' && mark !== '') fence = mark;
    else if (fence !== '' && line === fence) fence = '';
    else return fence === '';
    return false;
  });
  expect(fence).toBe('');
  expect(outside.filter((line) => /^# /.test(line))).toHaveLength(1);
  expect(outside.join('\n')).not.toMatch(/(?<!\\)<(script|img)/);
  expect(outside.filter((line) => line.startsWith('## ')).map((line) => line.slice(3))).toEqual([
    ...['Summary', 'Agent outcomes', 'Checks', 'Metrics', 'Repository health: 68 of 100'],
    ...['Checklist', 'Artifacts, compared with attempt 1', 'Decide'],
  ]);
});
