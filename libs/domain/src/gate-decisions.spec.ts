import * as fc from 'fast-check';
import type {
  CheckResult,
  DecisionPolicy,
  DirectiveEvent,
  EvaluationCompleted,
  RecordedEvent,
} from '@writ/contracts';
import { storyFile, storyId, DirectiveStory } from '@writ/testing';
import { Backtest } from './backtest';
import type { DirectiveCommand } from './directive-command';
import { confidenceOf } from './evaluation';
import {
  contextAfter,
  decideAgain,
  decisionIn,
  runOfDecision,
  type DecisionContext,
  type GateDecision,
} from './gate-decisions';

type Outcome = CheckResult['outcome'];
const verify = [{ kind: 'files', paths: ['x'] }];

/** A directive that is judged; the checks of each run are kept as the log would. */
class JudgedStory extends DirectiveStory {
  readonly evaluations = new Map<string, EvaluationCompleted>();

  /** One check for each outcome; `weights` make them optional. */
  judge(step: string, outcomes: readonly Outcome[], made: string, weights?: readonly number[]) {
    const runId = this.runIdOf(step);
    this.end(step, {
      runId,
      artifacts: [{ path: made, digest: `sha256:${'0'.repeat(64)}`, bytes: 1 }],
    });
    const checks = outcomes.map((outcome, at) => ({
      ...{ name: `check ${at}`, kind: at === 0 ? 'program' : 'files', outcome, durationMs: 1 },
      ...{ required: weights === undefined, weight: weights?.[at] ?? 1, message: 'm' },
    }));
    const confidence = confidenceOf(checks, this.directive.spec.thresholds);
    const about = { runId, directiveId: storyId, step, summary: 's', durationMs: 1 };
    const evaluation = { ...about, checks, confidence };
    this.evaluations.set(runId, evaluation);
    return this.typesWhen({ type: 'note-evaluation', evaluation });
  }

  decisions(): GateDecision[] {
    const found = new Map<string, GateDecision>();
    let context: DecisionContext | undefined;
    for (const event of this.events) {
      const runId = runOfDecision(event) ?? '';
      const before = context;
      context = contextAfter(context, event as unknown as DirectiveEvent);
      if (found.has(runId) || before === undefined) continue;
      const checks = this.evaluations.get(runId)?.checks ?? null;
      const decision = decisionIn(event as RecordedEvent, before, checks);
      if (decision !== undefined) found.set(runId, decision);
    }
    return [...found.values()];
  }
}

const judged = (more: Record<string, unknown> = {}, step: object = { verify }) => {
  const story = new JudgedStory();
  // The second one runs all along, so that the directive does not end.
  story.create(storyFile([{ name: 'one', ...step }, { name: 'two' }], more));
  return story;
};
const test = (story: JudgedStory, policy: DecisionPolicy) => {
  const backtest = new Backtest({ policy, since: null, limit: 100 });
  for (const decision of story.decisions()) backtest.take(decision);
  return backtest.report();
};

const autonomy = fc.constantFrom('full_auto' as const, 'guardrails' as const, 'manual' as const);
const retry = { type: 'retry-step', step: 'one' } as const;
const tell = (story: JudgedStory, order: object) =>
  story.typesWhen({ commandId: `order-${story.events.length}`, ...order } as DirectiveCommand);

it('goes by what the directive said at the time, and forgets attempts before a new beginning', () => {
  const story = judged({ limits: { maxReworkCycles: 1 } });
  story.judge('one', ['failed'], 'a');
  story.judge('one', ['failed'], 'b');
  tell(story, { type: 'amend', changes: { autonomy: 'full_auto' } });
  tell(story, { type: 'raise-limit', limits: { maxReworkCycles: 2 } });
  story.vote('one', { decision: 'approve' });
  tell(story, retry);
  story.judge('one', ['failed'], 'b');
  const said = story.decisions().map(({ outcome, policy, before }) => {
    return [outcome, policy.autonomy, policy.maxReworkCycles, before.length];
  });
  expect(said).toEqual([
    ['rework', 'guardrails', 1, 0],
    ['ask', 'guardrails', 1, 1],
    ['rework', 'full_auto', 2, 0],
  ]);
});

it('decides each again as it was recorded, whatever happened, by the policy that was', () => {
  const outcome = fc.constantFrom<Outcome>('passed', 'passed', 'failed', 'error');
  const attempt = fc.record({
    outcomes: fc.array(outcome, { minLength: 1, maxLength: 4 }),
    weights: fc.option(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 4 })),
    made: fc.constantFrom('a', 'b', 'c'),
    vote: fc.constantFrom('approve' as const, 'deny' as const, 'rework' as const, undefined),
    changes: fc.option(
      fc.record({
        autonomy,
        limits: fc.record({ maxReworkCycles: fc.integer({ min: 0, max: 3 }) }),
      }),
      { freq: 4 },
    ),
  });
  const directive = fc.record({
    autonomy,
    thresholds: fc.constantFrom({}, { green: 1, yellow: 0.5 }, { green: 0.4, yellow: 0.1 }),
    limits: fc.record({ maxReworkCycles: fc.integer({ min: 0, max: 3 }) }),
  });
  const outcomes = new Set<string>();
  fc.assert(
    fc.property(directive, fc.array(attempt, { maxLength: 8 }), (spec, attempts) => {
      const story = judged(spec);
      for (const { outcomes: checks, weights, made, vote, changes } of attempts) {
        if (story.statusOf('one') === 'running') {
          story.judge('one', checks, made, weights ?? undefined);
        } else if (story.statusOf('one') === 'awaiting_approval' && vote !== undefined) {
          story.vote('one', { decision: vote, commandId: `v${story.events.length}` });
        } else tell(story, retry);
        if (changes !== null) tell(story, { type: 'amend', changes });
      }
      const decisions = story.decisions();
      expect(decisions).toHaveLength(story.evaluations.size);
      for (const decision of decisions) {
        outcomes.add(decision.outcome);
        const { outcome: again, confidence } = decideAgain(decision);
        expect([again, confidence]).toEqual([decision.outcome, decision.confidence]);
      }
      const { thresholds } = story.directive.spec;
      expect(test(story, { thresholds })).toMatchObject({ flips: 0, decisions: decisions.length });
    }),
    { numRuns: 300 },
  );
  expect([...outcomes].sort()).toEqual(['ask', 'block', 'pass', 'rework']);
});

it('would ask where a higher threshold makes green yellow', () => {
  const story = judged({ thresholds: { green: 0.5, yellow: 0.2 } });
  story.judge('one', ['passed', 'failed'], 'a', [3, 1]);
  expect(story.statusOf('one')).toBe('passed');
  const report = test(story, { thresholds: { green: 0.9 } });
  expect(report).toMatchObject({ decisions: 1, flips: 1, counts: { 'pass->ask': 1 } });
  expect(report.steps[0]).toMatchObject({
    ...{ step: 'one', then: { outcome: 'pass', confidence: { score: 0.75, level: 'green' } } },
    now: { outcome: 'ask', confidence: { score: 0.75, level: 'yellow' } },
  });
});

it('says how many that a person denied would pass', () => {
  const story = judged({ autonomy: 'manual' });
  story.judge('one', ['passed'], 'a');
  story.vote('one', { decision: 'deny' });
  const [decision] = story.decisions();
  const backtest = new Backtest({ policy: { autonomy: 'guardrails' }, since: null, limit: 1 });
  const said = { decision: 'deny' as const, by: ['alice'] };
  backtest.take({ ...(decision as GateDecision), said });
  backtest.take({ ...(decision as GateDecision), said: { ...said, decision: 'approve' } });
  backtest.take({ ...(decision as GateDecision), said: { ...said, by: [] } }); // the deadline
  expect(backtest.report()).toMatchObject({
    ...{ flips: 3, counts: { 'ask->pass': 3 }, againstDenial: 1, asIsApproved: 1 },
    steps: [{ said }],
  });
});

it('weighs checks anew, also those of earlier attempts, and knows them when it is told later', () => {
  const story = judged();
  story.judge('one', ['failed', 'passed'], 'a');
  story.judge('one', ['passed', 'failed'], 'b');
  const [first, second] = story.decisions();
  expect([first?.outcome, second?.outcome]).toEqual(['rework', 'ask']);
  // By the record both scored alike, so rework was over. By this weight the second one is better.
  const policy = { checks: [{ kind: 'program', weight: 5 }] };
  expect(test(story, policy)).toMatchObject({ flips: 1, counts: { 'ask->rework': 1 } });
  const later = new Backtest({ policy, since: null, limit: 9 });
  const decisions = [second as GateDecision];
  expect(later.missing(decisions)).toEqual([first?.runId]);
  later.know(first as GateDecision);
  expect(later.missing(decisions)).toEqual([]);
  later.take(second as GateDecision);
  expect(later.report()).toMatchObject({ decisions: 1, counts: { 'ask->rework': 1 } });
});

it.each([
  [{ limits: { maxReworkCycles: 0 } }, { 'rework->ask': 1 }],
  [{ limits: { maxReworkCycles: 0 }, autonomy: 'full_auto' as const }, { 'rework->block': 1 }],
  [{ checks: [{ name: 'check 0', required: false, weight: 0 }] }, { 'rework->pass': 1 }],
  [{ checks: [{ name: 'another', required: false }] }, {}],
  [{ gate: { guardrails: { red: 'block' as const } } }, { 'rework->block': 1 }],
  [{ gate: { manual: { red: 'block' as const } } }, {}],
])('under %j a red step comes out as %j', (policy, counts) => {
  const story = judged();
  story.judge('one', ['failed', 'passed'], 'a');
  expect(test(story, policy).counts).toEqual(counts);
});

it('changes nothing about what no check was asked about', () => {
  const story = judged({}, { verify: 'none' });
  story.end('one');
  const strict = { thresholds: { green: 1, yellow: 1 }, checks: [{ kind: 'files', weight: 9 }] };
  expect(test(story, strict)).toMatchObject({ decisions: 1, flips: 0 });
  expect(test(story, { autonomy: 'manual' })).toMatchObject({ counts: { 'pass->ask': 1 } });
});
