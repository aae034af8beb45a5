import { DirectiveFile, isWarning, issueCodes } from '@writ/contracts';
import { examinePlan } from './examine-plan';
import { approverWarnings } from './forecast-warnings';

const echo = { kind: 'echo' };
const judged = [{ kind: 'files', paths: ['x'] }];

function examined(more: Record<string, unknown>, ...steps: Record<string, unknown>[]) {
  const chain = { steps: steps.map((step) => ({ adapter: echo, verify: judged, ...step })) };
  return examinePlan(DirectiveFile.parse({ title: 't', goal: 'g', chain, ...more }));
}
const told = (...asked: Parameters<typeof examined>) =>
  examined(...asked).issues.map(({ code, path }) => `${code} ${path}`);

const retry = { retries: 10, baseDelayMs: 1000, factor: 2 };

describe('a plan that is sound', () => {
  it('has no issue when there is nothing to say', () => {
    expect(examined({}, { name: 'a' })).toMatchObject({ issues: [], sound: true });
  });

  it.each([
    [
      'a criterion that nothing names',
      { acceptanceCriteria: [{ id: 'A', criterion: 'c' }] },
      {},
      ['criterion_not_covered /acceptanceCriteria/0'],
    ],
    ['a step without checks', {}, { verify: undefined }, ['step_without_check /chain/steps/0']],
    [
      'a step with an empty list of checks',
      {},
      { verify: [] },
      ['step_without_check /chain/steps/0'],
    ],
    ['a step that wants no judgement', {}, { verify: 'none' }, []],
    [
      'two checks with one name',
      {},
      { verify: [1, 2].map(() => ({ name: 'n', ...judged[0] })) },
      ['duplicate_check /chain/steps/0/verify/1/name'],
    ],
    [
      'a check from which nothing follows',
      {},
      { verify: [{ ...judged[0], weight: 0 }, ...judged] },
      ['check_without_effect /chain/steps/0/verify/0/weight'],
    ],
    [
      'a required check that weighs nothing',
      {},
      { verify: [{ ...judged[0], weight: 0, required: true }] },
      [],
    ],
    [
      'a step that outlasts the directive',
      { limits: { maxWallTimeMinutes: 1 } },
      { timeoutMs: 60_001 },
      ['timeout_over_wall_time /chain/steps/0/timeoutMs'],
    ],
    ['a timeout that nobody wrote', { limits: { maxWallTimeMinutes: 1 } }, {}, []],
    [
      'a limit for a group that nobody is in',
      { limits: { groups: { tests: 2 } } },
      { group: 'test' },
      ['group_without_step /limits/groups/tests'],
    ],
    [
      'a step that reserves more than there is',
      { limits: { maxTotalCostUsd: 5, maxTotalTokens: 100 } },
      { budget: { costUsd: 6, tokens: 101 } },
      [
        'budget_over_limit /chain/steps/0/budget/costUsd',
        'budget_over_limit /chain/steps/0/budget/tokens',
      ],
    ],
    [
      'retries that wait longer than a try takes',
      {},
      { timeoutMs: 60_000, retry },
      ['retry_over_timeout /chain/steps/0/retry'],
    ],
    ['retries that do not', {}, { timeoutMs: 60_000, retry: { ...retry, retries: 3 } }, []],
    [
      'no room for yellow',
      { thresholds: { green: 0.7, yellow: 0.7 } },
      {},
      ['threshold_unreachable /thresholds/yellow'],
    ],
    [
      'no room for red',
      { thresholds: { green: 0.7, yellow: 0 } },
      {},
      ['threshold_unreachable /thresholds/yellow'],
    ],
    [
      'everything green',
      { thresholds: { green: 0, yellow: 0 } },
      {},
      ['threshold_unreachable /thresholds/green'],
    ],
  ])('tells of %s, and is taken', (_, more, step, expected) => {
    expect(told(more, { name: 'a', ...step })).toEqual(expected);
    const { sound, issues } = examined(more, { name: 'a', ...step });
    expect(sound).toBe(true);
    expect(issues.every(isWarning)).toBe(true);
  });

  it('takes a criterion that only a check names for covered', () => {
    const acceptanceCriteria = [{ id: 'A', criterion: 'c' }];
    const verify = [{ ...judged[0], acceptanceCriteriaIds: ['A'] }];
    expect(told({ acceptanceCriteria }, { name: 'a', verify })).toEqual([]);
  });

  it('tells of a chain in which a hundred and one steps wait one for the other', () => {
    const row = (length: number) =>
      Array.from({ length }, (_, at) => ({
        name: `s${at}`,
        dependsOn: at === 0 ? [] : [`s${at - 1}`],
      }));
    expect(told({}, ...row(100))).toEqual([]);
    expect(told({}, ...row(101))).toEqual(['chain_too_deep /chain/steps']);
  });
});

describe('a plan that is not', () => {
  it('seed defect 17: an unknown dependency is an error with the name, and no step is left out', () => {
    const { sound, issues, steps } = examined(
      {},
      { name: 'collect' },
      { name: 'build', dependsOn: ['colect'] },
    );
    expect(sound).toBe(false);
    expect(issues[0]).toMatchObject({ code: 'unknown_dependency' });
    expect(issues[0]?.message).toContain('"build" depends on "colect"');
    expect(steps.map(({ name }) => name)).toEqual(['collect', 'build']);
  });

  it('is told its errors alone: warnings can wait until it is sound', () => {
    expect(told({}, { name: 'a', dependsOn: ['z'], verify: undefined })).toEqual([
      'unknown_dependency /chain/steps/0/dependsOn/0',
    ]);
  });

  it('names a criterion of a check that there is not', () => {
    const verify = [{ ...judged[0], acceptanceCriteriaIds: ['A'] }];
    expect(told({}, { name: 'a', verify })).toEqual([
      'unknown_id /chain/steps/0/verify/0/acceptanceCriteriaIds/0',
    ]);
  });

  it('asks for a git workspace where a check compares with one', () => {
    const file = DirectiveFile.parse({
      title: 't',
      goal: 'g',
      chain: { steps: [{ name: 'a', adapter: echo }] },
    });
    const [step] = file.chain?.steps ?? [];
    const verify = [{ kind: 'diff', maxLines: 5 }] as never;
    const directive = { ...file, chain: { steps: [{ ...step!, verify }] } };
    expect(examinePlan(directive).issues).toMatchObject([
      { code: 'check_needs_git', path: '/chain/steps/0/verify/0/kind' },
    ]);
    const inGit = { ...directive, workspace: { kind: 'git', repository: '/r' } } as const;
    expect(examinePlan(inGit).issues).toEqual([]);
  });

  it('names a planner that this version does not have, and says that an agent plans later', () => {
    expect(told({ planner: { kind: 'llm' }, chain: undefined })).toEqual([
      'not_available /planner/kind',
    ]);
    expect(examined({ planner: { kind: 'agent' }, chain: undefined })).toMatchObject({
      ...{ strategy: 'agent', steps: [], sound: true },
      issues: [{ code: 'not_planned', severity: 'warning' }],
    });
  });
});

describe('approvals', () => {
  const people = new Map([
    ['ann', ['lead']],
    ['bob', ['lead', 'reviewer']],
  ]);
  const of = (approvals: object, autonomy = 'guardrails') => {
    const chain = { steps: [{ name: 'a', adapter: echo }] };
    const file = { title: 't', goal: 'g', autonomy, approvals, chain };
    return approverWarnings(DirectiveFile.parse(file), people).map(({ path }) => path);
  };

  it('that nobody may give are told', () => {
    expect(of({ roles: ['lead'], quorum: 2 })).toEqual([]);
    expect(of({ roles: ['boss'] })).toEqual(['/approvals/roles']);
    expect(of({ roles: ['reviewer'], quorum: 2 })).toEqual(['/approvals/roles']);
    expect(of({ roles: ['lead'], quorum: 2, excludeRequester: true })).toEqual([
      '/approvals/excludeRequester',
    ]);
    const escalation = { onExpiry: 'escalate', deadlineMinutes: 5, escalateTo: ['boss'] };
    expect(of({ roles: ['lead'], ...escalation })).toEqual(['/approvals/escalateTo']);
  });

  it('that nobody is asked for, or where everybody has every role, are not', () => {
    expect(of({ roles: ['boss'] }, 'full_auto')).toEqual([]);
    const file = DirectiveFile.parse({ title: 't', goal: 'g', approvals: { roles: ['boss'] } });
    expect(approverWarnings(file, undefined)).toEqual([]);
  });
});

test('a code says of itself whether a directive is taken in spite of it', () => {
  expect(issueCodes.cycle.severity).toBe('error');
  expect(issueCodes.step_without_check.severity).toBe('warning');
});
