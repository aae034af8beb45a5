/** A rule on a whole stack: beside people in shadow, then in their place, and over a dead planner. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApprovalDocument, DirectiveDocument, RuleDocument } from '@writ/contracts';
import { eventually, TestStack } from '@writ/testing';

jest.setTimeout(240_000);
let stack: TestStack;
beforeAll(async () => {
  stack = await TestStack.start();
});
afterAll(() => stack.stop());

const rules = (...args: string[]) => ['policy', 'rules', ...args];
const show = () => stack.json<RuleDocument>(rules('show', 'small-fixes'));
const until = (what: string, check: () => Promise<boolean>) =>
  eventually(check, { what, timeoutMs: 60_000, every: 100 });

function write(name: string, value: object): string {
  const path = join(stack.home, name);
  writeFileSync(path, JSON.stringify(value));
  return path;
}

async function submit(title: string, approvals: object = {}): Promise<string> {
  const steps = [{ name: 'one', adapter: { kind: 'shell', script: 'true' } }];
  const directive = { title, goal: 'g', autonomy: 'manual', approvals, chain: { steps } };
  const path = write('directive.json', directive);
  return (await stack.json<{ directiveId: string }>(['submit', path])).directiveId;
}

async function asked(id: string): Promise<ApprovalDocument> {
  let found: ApprovalDocument | undefined;
  await until(`an approval of ${id}`, async () => {
    [found] = await stack.json<ApprovalDocument[]>(['approvals', '--directive', id]);
    return found !== undefined;
  });
  return found as ApprovalDocument;
}

async function decide(title: string, verb: string, approvals: object = {}): Promise<string> {
  const { id, digest } = await asked(await submit(title, approvals));
  await stack.json([verb, id, '--digest', digest, '--as', 'ada']);
  return id;
}

test('a rule earns its say, decides, and loses it when people decide otherwise', async () => {
  const when = { adapters: ['shell'], titleIncludes: 'small fix' };
  const rule = { name: 'small-fixes', when, verdict: 'approve', promoteAfter: 2 };
  await stack.json(rules('add', write('rule.json', rule), '--as', 'bob'));
  await decide('Another thing', 'deny');
  await decide('A small fix', 'approve');
  await until('a judgement', async () => (await show()).judged === 1);
  const early = await stack.writ(rules('promote', 'small-fixes'));
  expect([early.code, early.stderr]).toEqual([5, expect.stringContaining('1 missing')]);

  // What is decided while no planner is there is judged by the next one.
  await stack.kill('planner');
  await decide('A small fix', 'approve');
  await until('two judgements', async () => (await show()).judged === 2);
  await stack.json(rules('promote', 'small-fixes', '--as', 'lead'));
  expect(await stack.json(rules('list', '--status', 'promoted'))).toHaveLength(1);

  const id = await submit('Small fix of a word');
  await until('the rule to decide', async () => (await show()).decided === 1);
  const directive = await stack.json<DirectiveDocument>(['show', id]);
  expect(directive.approvals).toMatchObject([
    {
      status: 'approved',
      votes: [{ by: 'rule:small-fixes', comment: expect.stringContaining('promoted by lead') }],
    },
  ]);
  expect((await show()).decisions).toMatchObject([{ approvalId: directive.approvals[0]?.id }]);

  const denied = await decide('A small fix, by two', 'deny', { quorum: 2 });
  await until('the rule to be taken back', async () => (await show()).status === 'shadow');
  const { revoked, judged, agreed, agreements } = await show();
  expect([judged, agreed, agreements]).toEqual([3, 2, 0]);
  expect(revoked).toMatchObject({ by: null, reason: expect.stringContaining(denied) });
  const { status } = await asked(await submit('A last small fix'));
  expect(status).toBe('pending');

  expect((await stack.writ(rules('revoke', 'small-fixes', '--reason', 'no'))).code).toBe(0);
  expect((await stack.writ(rules('promote', 'small-fixes'))).code).toBe(5);
  expect((await stack.writ(rules('show', 'nothing'))).code).toBe(3);
});
