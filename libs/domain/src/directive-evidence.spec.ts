import type { CheckResult, EvaluationCompleted } from '@writ/contracts';
import { DirectiveStory, storyFile, storyId } from '@writ/testing';
import { directiveDocument } from './directive-documents';
import { judgedRunsOf, withEvidence } from './directive-evidence';

const checks = [{ kind: 'program', argv: ['test'], acceptanceCriteriaIds: ['AC2'] }];
const requirements = [
  { id: 'R1', description: 'it works' },
  { id: 'R2', description: 'it is told' },
];
const acceptanceCriteria = ['AC1', 'AC2', 'AC3'].map((id) => ({ id, criterion: id }));

function story(): DirectiveStory {
  const it = new DirectiveStory();
  const steps = [
    {
      ...{ name: 'build', verify: checks, requirementIds: ['R1'] },
      acceptanceCriteriaIds: ['AC1'],
    },
    { name: 'docs', dependsOn: ['build'], requirementIds: ['R1', 'R2'] },
  ];
  it.create(storyFile(steps, { requirements, acceptanceCriteria, autonomy: 'full_auto' }));
  return it;
}

const result = (name: string, more: Partial<CheckResult> = {}): CheckResult => ({
  ...{ name, kind: 'program', outcome: 'passed', required: true, weight: 1 },
  ...{ message: 'm', durationMs: 1 },
  ...more,
});
const evaluation = (runId: string, ...found: CheckResult[]): EvaluationCompleted => ({
  ...{ runId, directiveId: storyId, step: 'build', checks: found, summary: 's', durationMs: 1 },
  confidence: { score: 1, level: 'green' },
});
const shown = ({ directive }: DirectiveStory, ...found: EvaluationCompleted[]) =>
  withEvidence(directiveDocument(directive), directive, found);

test('only steps with checks have something that was judged', () => {
  const it = story();
  it.end('build');
  expect(judgedRunsOf(it.directive)).toEqual([`${storyId}-g1-build-a1`]);
});

test('each requirement stands with the steps that work on it, and how they are', () => {
  const it = story();
  it.end('build');
  expect(shown(it).requirements).toEqual([
    {
      ...requirements[0],
      steps: [
        { name: 'build', status: 'evaluating' },
        { name: 'docs', status: 'pending' },
      ],
    },
    { ...requirements[1], steps: [{ name: 'docs', status: 'pending' }] },
  ]);
});

test('each step stands with its checks and the criteria that they speak for', () => {
  const it = story();
  it.end('build');
  const runId = `${storyId}-g1-build-a1`;
  const digest = `sha256:${'e'.repeat(64)}`;
  const found = evaluation(
    runId,
    result('tests', { acceptanceCriteriaIds: ['AC2'], logDigest: digest }),
    result('lint', { outcome: 'failed' }),
  );
  expect(shown(it, found).steps.map(({ evidence }) => evidence)).toEqual([
    [
      {
        ...{ check: 'tests', kind: 'program', outcome: 'passed', criteria: ['AC2'], runId },
        logDigest: digest,
      },
      { check: 'lint', kind: 'program', outcome: 'failed', criteria: [], runId },
    ],
    [],
  ]);
});

test('of a step from the cache the run that did the work is the evidence', () => {
  const it = story();
  const sourceRunId = 'zyxwvuts87654321-g1-build-a1';
  const confidence = { score: 1, level: 'green' as const };
  const source = { runId: sourceRunId, directiveId: 'zyxwvuts87654321', step: 'build', confidence };
  it.end('build', { result: 'skipped', source } as object);
  expect(judgedRunsOf(it.directive)).toContain(sourceRunId);
  const [build] = shown(it, evaluation(sourceRunId, result('tests'))).steps;
  expect(build?.evidence).toMatchObject([{ check: 'tests', runId: sourceRunId }]);
});

test('a criterion names the checks that speak for it, else the run of its step', () => {
  const it = story();
  const runId = `${storyId}-g1-build-a1`;
  it.end('build');
  it.evaluate('build', 'green');
  it.end('docs');
  const found = evaluation(runId, result('tests', { acceptanceCriteriaIds: ['AC2'] }));
  expect(it.directive.status).toBe('completed');
  expect(shown(it, found).criteria).toEqual([
    { id: 'AC1', met: true, evidence: [{ step: 'build', runId }] },
    { id: 'AC2', met: true, evidence: [{ step: 'build', runId, checks: ['tests'] }] },
    { id: 'AC3', met: null, evidence: [] },
  ]);
});
