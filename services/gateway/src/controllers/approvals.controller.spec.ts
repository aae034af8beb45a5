import { approvalIdOf, type ApprovalDocument } from '@writ/contracts';
import { type Json, problemOf, TestRequests } from '../test-requests';

const gateway = TestRequests.ofOneGateway();

const directiveId = 'abcdefghabcdefgh';
const runId = `${directiveId}-g1-one-a1`;
const id = approvalIdOf(runId);
const digest = `sha256:${'a'.repeat(64)}`;
const approval: ApprovalDocument = {
  ...{ id, directiveId, stepId: `${directiveId}-g1-one`, stepName: 'one', type: 'step_review' },
  ...{ digest, status: 'pending', requestedAt: '2026-01-01T00:00:00Z', deadline: null },
  ...{ roles: [], quorum: 1, votes: [], decidedAt: null },
  ...{ checklist: [], choices: null, questions: [] },
  context: {
    ...{ runId, summary: 'nothing was checked', confidence: null, reworkProposed: false },
    ...{ requester: 'local', requesterExcluded: false },
  },
};
const asked: unknown[] = [];

beforeAll(async () => {
  const { standIns } = gateway;
  await standIns.answer('planner', 'approvals', (question) => {
    asked.push(question);
    return [approval];
  });
  await standIns.answer('planner', 'approval', () => approval);
});

test('approvals are listed, by state and directive', async () => {
  const response = await gateway.get(
    `/v1/approvals?status=pending&directive=${directiveId}&limit=5`,
  );
  expect(await response.json()).toEqual([approval]);
  expect(asked.at(-1)).toEqual({ status: 'pending', directiveId, limit: 5 });
  expect(await (await gateway.get(`/v1/approvals/${id}`)).json()).toEqual(approval);
  expect((await gateway.get('/v1/approvals?status=lost')).status).toBe(400);
  expect((await gateway.get('/v1/approvals/nothing')).status).toBe(404);
});

test.each([
  ['approve', 'approve', { comment: 'good' }, {}],
  ['deny', 'deny', {}, { rework: false }],
  ['rework', 'deny', { comment: 'shorter' }, { rework: true }],
])('"%s" goes to the planner as %s, with who says so', async (decision, verb, more, sent) => {
  const path = `/v1/approvals/${id}/decision`;
  const headers = { 'writ-person': 'alice' };
  const response = await gateway.post(path, { decision, digest, ...more }, headers);
  expect(response.status).toBe(202);
  expect((await response.json()) as Json).toMatchObject({ approvalId: id, decision });
  expect(gateway.standIns.commands.at(-1)).toMatchObject({
    subject: `writ.command.directive.${verb}`,
    data: { directiveId, approvalId: id, digest, ...more, ...sent },
    attributes: { actor: { kind: 'person', id: 'alice' } },
  });
});

test.each([
  [{ decision: 'approve' }, {}],
  [{ decision: 'perhaps', digest }, {}],
  [{ decision: 'approve', digest: 'sha256:short' }, {}],
  [{ decision: 'approve', digest }, { 'writ-person': 'two words' }],
])('%j with %j is no decision', async (body, headers: Record<string, string>) => {
  const before = gateway.standIns.commands.length;
  const response = await gateway.post(`/v1/approvals/${id}/decision`, body, headers);
  expect(response.status).toBe(400);
  expect(gateway.standIns.commands).toHaveLength(before);
});

test.each([
  ['stale', 409],
  ['not_allowed', 403],
  ['not_found', 404],
])('a vote that is refused as %s is answered with %i', async (code, status) => {
  const { standIns } = gateway;
  const decide = standIns.decide;
  standIns.decide = () => ({ ok: false, error: { code, message: 'no' } });
  const response = await gateway.post(`/v1/approvals/${id}/decision`, { decision: 'deny', digest });
  standIns.decide = decide;
  expect(response.status).toBe(status);
  expect(await problemOf(response)).toMatchObject({ code, detail: 'no' });
});

test('ticks and edits go with an approval, and with nothing else', async () => {
  const path = `/v1/approvals/${id}/decision`;
  const edits = [{ path: 'a/b.txt', digest, bytes: 3 }];
  const body = { digest, ticks: [1, 2], edits };
  expect((await gateway.post(path, { decision: 'approve', ...body })).status).toBe(202);
  expect(gateway.standIns.commands.at(-1)?.data).toEqual({
    ...{ directiveId, approvalId: id, ...body },
  });
  for (const decision of ['deny', 'rework']) {
    const response = await gateway.post(path, { decision, ...body });
    expect(await problemOf(response)).toMatchObject({ code: 'malformed' });
  }
  const outside = { decision: 'approve', digest, edits: [{ ...edits[0], path: '../b' }] };
  expect((await gateway.post(path, outside)).status).toBe(400);
});

test.each([
  ['questions', 'ask', { question: 'why?' }],
  ['answers', 'answer', { text: 'because', question: 2 }],
  ['answers', 'answer', { digest, choice: 'red' }],
])('%s go to the planner as %s', async (what, verb, body) => {
  const response = await gateway.post(`/v1/approvals/${id}/${what}`, body, {
    'writ-person': 'alice',
  });
  expect(response.status).toBe(202);
  expect((await response.json()) as Json).toMatchObject({ approvalId: id });
  expect(gateway.standIns.commands.at(-1)).toMatchObject({
    subject: `writ.command.directive.${verb}`,
    data: { directiveId, approvalId: id, ...body },
    attributes: { actor: { kind: 'person', id: 'alice' } },
  });
});

test('a decision is made by somebody, named or not', async () => {
  const path = `/v1/approvals/${id}/decision`;
  const actorOf = async (headers: Record<string, string>) => {
    await gateway.post(path, { decision: 'deny', digest }, headers);
    return gateway.standIns.commands.at(-1)?.attributes.actor;
  };
  expect(await actorOf({})).toEqual({ kind: 'person', id: 'local' });
  expect(await actorOf({ authorization: 'Bearer x' })).toEqual({ kind: 'person', id: 'token' });
  expect(await actorOf({ 'writ-person': 'ada@x.org' })).toEqual({
    kind: 'person',
    id: 'ada@x.org',
  });
});
