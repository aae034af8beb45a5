import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApprovalReview } from '@writ/contracts';

import { CliUnderTest, ID } from '../cli-under-test';
import { styleFor } from '../view/style';
import { reviewView } from '../view/approval-view';

const cli = CliUnderTest.forEach();
const id = `${ID}-g1-one-a1-review`;
const digest = `sha256:${'a'.repeat(64)}`;
const approval = {
  ...{ id, directiveId: ID, stepId: `${ID}-g1-one`, stepName: 'one', type: 'step_review' },
  ...{ digest, status: 'pending', requestedAt: '2026-01-01T00:00:00Z', deadline: null },
  ...{ roles: ['lead'], quorum: 2, decidedAt: null, choices: null, votes: [] },
  checklist: ['read it', 'ran it'],
  questions: [{ question: 1, text: 'why?', by: 'bob', at: 'x', answers: [] }],
  context: {
    ...{ runId: `${ID}-g1-one-a1`, summary: 'one of two\x1b[2J', reworkProposed: true },
    ...{ confidence: { score: 0.70001, level: 'yellow' }, requester: 'u', requesterExcluded: true },
  },
};
const review = {
  approval,
  directive: { id: ID, title: 'T', goal: 'G' },
  run: {
    ...{ runId: `${ID}-g1-one-a1`, attempt: 1, result: 'success', tries: 2, sandbox: 'S2' },
    ...{ adapter: 'shell 1', exitCode: 0, error: null, stdout: 'said\x1b[2J', stderr: '' },
  },
  checks: [
    {
      ...{ name: 'tests', kind: 'program', outcome: 'failed', required: true, weight: 1 },
      ...{ message: 'it ended with 1', durationMs: 5, tail: 'expected 4' },
    },
  ],
  metrics: { durationMs: 1200, checksMs: 9, inputTokens: 10, outputTokens: 5, costUsd: 0.25 },
  health: { score: 50, points: [{ name: 'checks', points: 0, of: 40, said: '0 of 1 passed' }] },
  diff: { digest, text: '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n' },
  comparedWith: 'attempt 1',
  artifacts: [
    {
      path: 'x',
      change: 'added',
      before: null,
      after: { digest, bytes: 3 },
      diff: null,
      note: 'N',
    },
  ],
} as unknown as ApprovalReview;

test('show prints everything that there is to see, and how to decide', async () => {
  cli.gateway.on(`GET /v1/approvals/${id}/review`, review);
  const { stdout, stderr, code } = await cli.writ('approvals', 'show', id);
  expect(code).toBe(0);
  for (const part of [
    ...['one of T is pending', 'proposed: run it again', 'yellow, score 0.7', 'lead, 2 of them'],
    ...['but not u', 'attempt 1, 2 tries', 'failed tests: it ended with 1', 'expected 4', '$0.25'],
    ...['repository health: 50 of 100', '1 [ ] read it', 'bob asks: why?', 'no answer yet'],
    ...['+new', 'x: added (nothing -> 3 B aaaaaaaaaaaa), N'],
  ]) {
    expect(stdout).toContain(part);
  }
  expect(stdout).not.toContain('\x1b');
  expect(stderr).toContain(`writ approve ${id} --digest ${digest} --tick all`);
});

test('the diff is coloured where colours are wanted', () => {
  const lines = reviewView(review, styleFor(true)).join('\n');
  expect(lines).toContain('\x1b[32m+new\x1b[0m');
  expect(lines).toContain('\x1b[31m-old\x1b[0m');
  expect(lines).toContain('\x1b[36m@@ -1 +1 @@\x1b[0m');
});

test('show --json is the approval with what belongs to it', async () => {
  cli.gateway.on(`GET /v1/approvals/${id}/review`, review);
  const { approval: _, ...seen } = review;
  const { stdout } = await cli.writ('approvals', 'show', id, '--json');
  expect(JSON.parse(stdout)).toEqual({ ...approval, ...seen });
});

test('show writes REQUEST.md and the page as they come', async () => {
  cli.gateway.on(`GET /v1/approvals/${id}/review`, ({ headers }, response) => {
    response.end(`as ${headers.accept}`);
  });
  const [md, html] = [join(cli.folder, 'REQUEST.md'), join(cli.folder, 'r.html')];
  const { code, stdout } = await cli.writ(
    ...['approvals', 'show', id, '--request-md', md, '--html', html],
  );
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  expect(readFileSync(md, 'utf8')).toBe('as text/markdown');
  expect(readFileSync(html, 'utf8')).toBe('as text/html');
  const printed = await cli.writ('approvals', 'show', id, '--request-md', '-');
  expect(printed.stdout).toBe('as text/markdown\n');
});

test('list asks for one status, those that wait, or all', async () => {
  cli.gateway.on('GET /v1/approvals', [approval]);
  await cli.writ('approvals');
  await cli.writ('approvals', 'list', '--status', 'denied', '--limit', '3');
  await cli.writ('approvals', 'list', '--status', 'all', '--directive', ID);
  expect(cli.gateway.asked.map(({ path }) => path)).toEqual([
    '/v1/approvals?status=pending',
    '/v1/approvals?status=denied&limit=3',
    `/v1/approvals?directive=${ID}`,
  ]);
});

const bodyOf = () => JSON.parse(cli.gateway.asked.at(-1)?.body ?? '') as object;

test('approve keeps the edited files first, and says who, what was ticked and edited', async () => {
  const text = 'mine\n';
  const edited = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  cli.gateway.on(`PUT /v1/artifacts/${edited}`, {});
  cli.gateway.on(`POST /v1/approvals/${id}/decision`, { approvalId: id, position: 7 });
  const edit = `dir/a.txt=${cli.write(text, 'mine.txt')}`;
  const { stdout } = await cli.writ(
    ...['approve', id, '--digest', digest, '--tick', '1,2', '--edit', edit],
    ...['--as', 'ada', '--json'],
  );
  expect(JSON.parse(stdout)).toEqual({ approvalId: id, decision: 'approve', position: 7 });
  expect(cli.gateway.asked.map(({ method }) => method)).toEqual(['PUT', 'POST']);
  expect(cli.gateway.asked[0]?.body).toBe(text);
  expect(cli.gateway.asked[1]?.headers['writ-person']).toBe('ada');
  const edits = [{ path: 'dir/a.txt', digest: edited, bytes: 5 }];
  expect(bodyOf()).toEqual({ decision: 'approve', digest, ticks: [1, 2], edits });
});

test.each([
  [['--tick', 'one'], '--tick takes'],
  [['--edit', 'nothing'], '--edit takes PATH=FILE'],
])('approve with %j is wrong usage', async (more, words) => {
  const { code, stderr } = await cli.writ('approve', id, '--digest', digest, ...more);
  expect(code).toBe(2);
  expect(stderr).toContain(words);
  expect(cli.gateway.asked).toEqual([]);
});

test('what is not ticked ends with 2, and says what', async () => {
  const path = `POST /v1/approvals/${id}/decision`;
  cli.gateway.refuse(path, 422, 'incomplete', 'not ticked: 2 (ran it)');
  const { code, stderr } = await cli.writ('approve', id, '--digest', digest);
  expect(code).toBe(2);
  expect(stderr).toContain('not ticked: 2 (ran it)');
});

test('ask and answer say what is asked, and which question is answered', async () => {
  cli.gateway.on(`POST /v1/approvals/${id}/questions`, { approvalId: id, position: 7 });
  cli.gateway.on(`POST /v1/approvals/${id}/answers`, { approvalId: id, position: 8 });
  await cli.writ('ask', id, '--question', 'why?', '--as', 'bob');
  expect(bodyOf()).toEqual({ question: 'why?' });
  expect(cli.gateway.asked.at(-1)?.headers['writ-person']).toBe('bob');
  const { stdout } = await cli.writ('answer', id, '--text', 'so', '--to', '2', '--json');
  expect(JSON.parse(stdout)).toEqual({ approvalId: id, position: 8 });
  expect(bodyOf()).toEqual({ text: 'so', question: 2 });
  await cli.writ('answer', id, '--digest', digest, '--choice', 'red');
  expect(bodyOf()).toEqual({ digest, choice: 'red' });
  expect((await cli.writ('answer', id)).code).toBe(2);
});
