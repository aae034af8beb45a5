/** What the record answers, on a whole stack: why, what was, where two part, what would have been. */
import type {
  ApprovalDocument,
  BacktestReport,
  DirectiveDiff,
  DirectiveDocument,
  Why,
} from '@writ/contracts';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually, TestStack } from '@writ/testing';

let stack: TestStack;
const path = (name: string) => join(stack.home, name);
const kinds = ({ because }: Why) => because.map(({ kind }) => kind);

const file = `
title: One that is asked about
goal: Be explained
workspace: { kind: directory, path: work }
variables: { word: one }
chain:
  steps:
    - name: make
      adapter: { kind: shell, script: "echo \${word} > out.txt" }
      outputs: [out.txt]
      verify:
        - { kind: files, paths: [out.txt], weight: 3 }
        - { kind: files, paths: [other.txt], weight: 1 }
    - { name: last, dependsOn: [make], adapter: { kind: echo }, verify: none }
`;

beforeAll(async () => {
  stack = await TestStack.start();
  await mkdir(path('work'));
  await writeFile(path('asked.yaml'), file);
}, 120_000);

afterAll(() => stack?.stop(), 60_000);

/** Until its step waits for a person. */
async function submit(word: string): Promise<{ id: string; approval: ApprovalDocument }> {
  const { directiveId: id } = await stack.json<{ directiveId: string }>([
    ...['submit', 'asked.yaml', '--var', `word=${word}`],
  ]);
  const asked = async () => {
    const { approvals } = await stack.json<DirectiveDocument>(['show', id]);
    return approvals[0] ?? false;
  };
  const approval = await eventually(asked, {
    what: 'an approval to be asked for',
    timeoutMs: 60_000,
  });
  return { id, approval: approval as ApprovalDocument };
}

it('explains, shows what was, compares, and tests another policy', async () => {
  const one = await submit('one');
  const why = await stack.json<Why>(['why', `${one.id}-g1-last`]);
  expect([why.state, kinds(why)]).toEqual(['pending', ['dependency', 'approval']]);
  const unblock = why.because[1]?.unblock ?? '';
  expect(unblock).toBe(`writ approve ${one.approval.id} --digest ${one.approval.digest}`);
  await stack.json(unblock.split(' ').slice(1));
  await stack.json(['watch', one.id]);

  const two = await submit('two');
  const ofRun = await stack.json<Why>(['why', `${two.id}-g1-make-a1`]);
  expect(kinds(ofRun)).toEqual(
    expect.arrayContaining(['approval', 'cache_miss', 'changed:command']),
  );
  const nearest = ofRun.because.find(({ kind }) => kind === 'cache_miss')?.text;
  expect(nearest).toContain(`${one.id}-g1-make-a1`);
  const { approval } = two;
  await stack.json(['deny', approval.id, '--digest', approval.digest, '--comment', 'not so']);

  const asked = `${two.id}@${approval.requestedAt}`;
  const was = await stack.json<DirectiveDocument>(['state', two.id, '--at', approval.requestedAt]);
  expect(was.steps.map(({ status }) => status)).toEqual(['awaiting_approval', 'pending']);
  const moments = await stack.json<DirectiveDiff>(['diff', asked, two.id]);
  expect(moments).toMatchObject({ spec: [], first: { step: 'make', a: null } });
  const both = await stack.json<DirectiveDiff>(['diff', one.id, two.id]);
  expect(both.spec.map((it) => it.path)).toContain('/variables/word');
  expect(both.first).toMatchObject({ step: 'make', differs: ['/run/artifacts'] });

  await writeFile(path('policy.yaml'), 'thresholds: { green: 0.7 }\n');
  const test = () => stack.json<BacktestReport>(['backtest', '--policy', 'policy.yaml']);
  const read = async () => {
    const report = await test();
    return report.steps.filter(({ said }) => said !== null).length === 2 && report;
  };
  expect(await eventually(read, { what: 'the read model to have both' })).toMatchObject({
    ...{ decisions: 3, flips: 2, counts: { 'ask->pass': 2 }, againstDenial: 1, asIsApproved: 1 },
  });
  await writeFile(path('policy.yaml'), '{}');
  expect(await test()).toMatchObject({ decisions: 3, flips: 0 });
}, 180_000);

it('refuses moments that there are not', async () => {
  const [{ id } = { id: '' }] = await stack.json<DirectiveDocument[]>(['list', '--limit', '1']);
  for (const [at, words] of [
    ['999999', 'has no position 999999: the log ends at'],
    ['1', 'was created later: at position'],
  ] as const) {
    const { code, stderr } = await stack.writ(['state', id, '--at', at]);
    expect([code, stderr]).toEqual([3, expect.stringContaining(words)]);
  }
}, 60_000);
