import { DirectiveFile, type StepSpec } from '@writ/contracts';
import { checksOf, namesCriterion } from './checks-of-step';
import type { Directive } from './directive-state';
import { planSteps } from './plan-change';
import { planExplicit } from './planning';

type Written = Record<string, unknown>;

const git = { kind: 'git', repository: '/r' };
function planned(workspace: Written, step: Written, more: Written = {}) {
  const steps = [{ name: 'a', adapter: { kind: 'echo' }, ...step }];
  const file = { title: 't', goal: 'g', workspace, chain: { steps }, ...more };
  return planExplicit(DirectiveFile.parse(file));
}
function verifyOf(workspace: Written, step: Written): StepSpec['verify'] {
  const plan = planned(workspace, step);
  if ('issues' in plan) throw new Error(JSON.stringify(plan.issues));
  return plan.steps[0]?.verify;
}
const issuesOf = (...args: Parameters<typeof planned>) => {
  const plan = planned(...args);
  return 'issues' in plan ? plan.issues.map(({ code, path }) => `${code} ${path}`) : [];
};

const detected = [{ kind: 'detected' }];
test.each([
  [git, {}, detected],
  [git, { type: 'test' }, detected],
  [{ kind: 'directory', path: '/d' }, { type: 'implement' }, detected],
  [git, { type: 'research' }, undefined],
  [git, { verify: 'none' }, 'none'],
  [git, { verify: [] }, []],
  [{ kind: 'none' }, { type: 'implement' }, undefined],
])('in %j a step of %j is planned with the checks %j', (workspace, step, verify) => {
  expect(verifyOf(workspace, step)).toEqual(verify);
});

test('a step that is planned later has the checks of one that is planned at once', () => {
  const step = { name: 'a', adapter: { kind: 'echo' } };
  const file = { title: 't', goal: 'g', workspace: git, chain: { steps: [step] } };
  const spec = DirectiveFile.parse(file);
  const later = planSteps({ spec } as unknown as Directive, spec.chain?.steps ?? []);
  if (!('steps' in later)) throw new Error(later.message);
  expect(later.steps[0]?.verify).toEqual(detected);
  expect(later.steps).toEqual((planExplicit(spec) as { steps: unknown }).steps);
});

test('commits are compared in git workspaces only', () => {
  const step = {
    verify: [
      { kind: 'files', paths: ['a'] },
      { kind: 'diff', maxFiles: 1 },
    ],
  };
  expect(issuesOf({ kind: 'none' }, step)).toEqual([
    'check_needs_git /chain/steps/0/verify/1/kind',
  ]);
  expect(issuesOf({ kind: 'directory', path: '/d' }, step)).toEqual([
    'check_needs_git /chain/steps/0/verify/1/kind',
  ]);
  expect(issuesOf(git, step)).toEqual([]);
});

test('a check speaks for criteria that there are', () => {
  const step = { verify: [{ kind: 'detected', acceptanceCriteriaIds: ['AC1', 'AC2'] }] };
  const acceptanceCriteria = [{ id: 'AC1', criterion: 'c' }];
  expect(issuesOf(git, step, { acceptanceCriteria })).toEqual([
    'unknown_id /chain/steps/0/verify/0/acceptanceCriteriaIds/1',
  ]);
});

test('a step has to do with the criteria that it or one of its checks names', () => {
  const verify = [{ kind: 'files' as const, paths: ['a'], acceptanceCriteriaIds: ['AC2'] }];
  const step = { acceptanceCriteriaIds: ['AC1'], verify };
  expect(['AC1', 'AC2', 'AC3'].map((id) => namesCriterion(step, id))).toEqual([true, true, false]);
  expect(checksOf({ verify: 'none' })).toEqual([]);
});
