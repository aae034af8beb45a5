import type { DirectiveDocument, StepDocument } from '@writ/contracts';

import { chainView, directiveView, inOrder } from './chain-view';
import { duration, clip, styleFor, table, widthOf } from './style';

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`;
const now = Date.parse(at(30));

function step(name: string, over: Partial<StepDocument> = {}): StepDocument {
  return {
    ...{ id: name, name, type: 'implement', status: 'pending', dependsOn: [], attempt: 1 },
    ...{ runId: null, runStatus: null, confidence: null, startedAt: null, completedAt: null },
    artifacts: [],
    ...over,
  };
}

function directive(
  steps: StepDocument[],
  over: Partial<DirectiveDocument> = {},
): DirectiveDocument {
  return {
    ...{ id: 'a'.repeat(16), title: 'T', goal: 'G', status: 'active', generation: 1, costUsd: 0 },
    ...{ createdAt: at(0), startedAt: at(0), completedAt: null, version: 1, position: 1 },
    ...{ workspace: { branch: null, commit: null }, approvals: [], criteria: [] },
    steps,
    ...over,
  };
}

const options = { now, columns: 80, rows: 24, style: styleFor(false) };

test('a chain shows for each step sign, word and time, and how far the whole is', () => {
  const steps = [
    step('test', { status: 'pending', dependsOn: ['build'] }),
    step('lint', { status: 'failed', startedAt: at(0), completedAt: at(2), reason: 'exit 1' }),
    step('build', { status: 'running', startedAt: at(10), runId: 'r1' }),
    step('fetch', { status: 'passed', startedAt: at(0), completedAt: at(1), runStatus: 'skipped' }),
  ];
  const lastLines = new Map([['r1', 'compiling 3 of 9']]);
  expect(chainView(directive(steps), { ...options, lastLines })).toEqual([
    'T',
    '  ✗ lint   failed      2.0 s      exit 1',
    '  ▶ build  running     20.0 s     compiling 3 of 9',
    '  ✓ fetch  passed      1.0 s      taken from the cache: nothing changed',
    '  ○ test   pending   ',
    '▶ active: 1 of 4 steps passed, 1 failed or blocked, 30.0 s',
  ]);
});

test('what programs wrote cannot leave its line or move the cursor', () => {
  const evil = '\x1b[2J\x1b]0;x\x07one\ntwo\rthree\u202e';
  const lines = chainView(
    directive([step('a', { status: 'failed', reason: evil })], { title: evil }),
    options,
  );
  expect(lines).toHaveLength(3);
  expect(lines.join('')).not.toMatch(/[\x00-\x1f\u202e]/);
  expect(lines[1]).toContain('one two three<U+202E>');
});

test('no line is wider than the screen', () => {
  const name = 'x'.repeat(64);
  const reason = '説明'.repeat(60);
  const lines = chainView(
    directive([step(name, { status: 'failed', reason, startedAt: at(0) })], {
      title: reason,
      reason,
    }),
    { ...options, columns: 50 },
  );
  for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(50);
});

test('a chain longer than the screen shows what works and failed, and counts the rest', () => {
  const many = Array.from({ length: 500 }, (_, index) =>
    step(`s${index}`, { status: index < 400 ? 'passed' : index === 450 ? 'running' : 'pending' }),
  );
  const lines = chainView(directive(many), { ...options, rows: 12 });
  expect(lines.length).toBeLessThanOrEqual(12);
  expect(lines.some((line) => line.includes('▶ s450'))).toBe(true);
  expect(lines.at(-2)).toMatch(/and 400 passed, 93 pending/);
});

test('steps stand below what they wait for, also in a chain of thousands', () => {
  const names = (steps: StepDocument[]) => inOrder(steps).map(({ name }) => name);
  expect(
    names([step('c', { dependsOn: ['b'] }), step('b', { dependsOn: ['a'] }), step('a')]),
  ).toEqual(['a', 'b', 'c']);
  const long = Array.from({ length: 2_000 }, (_, index) =>
    step(`s${index}`, { dependsOn: index === 1_999 ? [] : [`s${index + 1}`] }),
  );
  expect(names(long)[0]).toBe('s1999');
});

test('the whole view names branch, runs and criteria', () => {
  const steps = [
    step('a', { status: 'passed', runId: 'run-1', confidence: { score: 1, level: 'green' } }),
  ];
  const text = directiveView(
    directive(steps, {
      workspace: { branch: 'writ/x', commit: 'abc' },
      criteria: [{ id: 'AC1', met: true, evidence: [{ step: 'a', runId: 'run-1' }] }],
    }),
    styleFor(false),
    now,
  ).join('\n');
  for (const words of ['writ/x', 'run-1', 'green', 'criterion AC1: met (a)']) {
    expect(text).toContain(words);
  }
});

test.each([
  [-5, '0 ms'],
  [950, '950 ms'],
  [4_249, '4.2 s'],
  [185_000, '3 min 05 s'],
  [7_810_000, '2 h 10 min'],
])('%i ms reads %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test('on a narrow screen a long name gives way, its state does not', () => {
  const steps = [step('collect-everything-there-is', { status: 'evaluating' }), step('b')];
  const lines = chainView(directive(steps), { ...options, columns: 30 });
  expect(lines.slice(1, 3)).toEqual([
    '  ◑ collect-every…  evaluating',
    '  ○ b               pending   ',
  ]);
});

test('columns count wide and combining characters', () => {
  expect(widthOf('a世é\x1b[31mb\x1b[0m')).toBe(5);
  expect(clip('世界世界', 5)).toBe('世界…');
  expect(
    table([
      ['世', 'x'],
      ['abc', 'y'],
    ]),
  ).toEqual(['世   x', 'abc  y']);
});
