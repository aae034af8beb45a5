import type { CheckResult, RecordedEvent } from '@writ/contracts';
import fc from 'fast-check';
import { confidenceOf, evaluationDecider, isRequired, summaryOfChecks } from './evaluation';

const thresholds = { green: 0.85, yellow: 0.6 };
const check = (outcome: CheckResult['outcome'], more: Partial<CheckResult> = {}): CheckResult => ({
  name: 'tests',
  kind: 'program',
  outcome,
  required: false,
  weight: 1,
  message: 'ended with exit code 1',
  durationMs: 5,
  ...more,
});
const confidence = (...checks: CheckResult[]) => confidenceOf(checks, thresholds);

describe('the confidence in a run', () => {
  it('is green when all checks passed', () => {
    expect(confidence(check('passed'), check('passed'))).toEqual({
      score: 1,
      level: 'green',
    });
  });

  it('is the weight of the passed checks in that of all that ran', () => {
    expect(confidence(check('passed', { weight: 3 }), check('failed'))).toEqual({
      score: 0.75,
      level: 'yellow',
    });
    expect(confidence(check('passed'), check('failed')).level).toBe('red');
  });

  it.each([
    [0.85, 'green'],
    [0.84, 'yellow'],
    [0.6, 'yellow'],
    [0.59, 'red'],
  ])('at a score of %d is %s', (score, level) => {
    const passed = check('passed', { weight: score });
    expect(confidence(passed, check('failed', { weight: 1 - score })).level).toBe(level);
  });

  it('is red when a required check failed, whatever the score', () => {
    const many = Array.from({ length: 50 }, () => check('passed'));
    const found = confidence(...many, check('failed', { required: true, weight: 0 }));
    expect(found).toEqual({ score: 1, level: 'red' });
  });

  it('is unknown when no check ran, or none that counts', () => {
    const unknown = { score: null, level: 'unknown' };
    expect(confidence()).toEqual(unknown);
    expect(confidence(check('error'), check('error', { required: true }))).toEqual(unknown);
    expect(confidence(check('passed', { weight: 0 }))).toEqual(unknown);
  });

  /** One check of each outcome, required or weighed or neither, beside one that passed or failed. */
  it.each([
    // outcome, required, weight, alone, beside a passed one, beside a failed weighed one
    ['passed', true, 1, 'green', 'green', 'red'],
    ['passed', false, 1, 'green', 'green', 'red'],
    ['passed', false, 0, 'unknown', 'green', 'red'],
    ['failed', true, 1, 'red', 'red', 'red'],
    ['failed', true, 0, 'red', 'red', 'red'],
    ['failed', false, 1, 'red', 'red', 'red'],
    ['failed', false, 0, 'unknown', 'green', 'red'],
    ['error', true, 1, 'unknown', 'yellow', 'red'],
    ['error', true, 0, 'unknown', 'yellow', 'red'],
    ['error', false, 1, 'unknown', 'yellow', 'red'],
    ['error', false, 0, 'unknown', 'green', 'red'],
  ] as const)(
    'with one that %s (required %s, weight %i) is alone %s, beside a passed one %s, a failed one %s',
    (outcome, required, weight, alone, besidePassed, besideFailed) => {
      const it = check(outcome, { required, weight });
      expect(confidence(it).level).toBe(alone);
      expect(confidence(it, check('passed')).level).toBe(besidePassed);
      expect(confidence(it, check('failed')).level).toBe(besideFailed);
    },
  );

  it('is not changed by how many could not run: the score is that of the others', () => {
    const others = [check('passed', { weight: 3 }), check('failed')];
    const errors = [1, 2, 3].map((weight) => check('error', { weight, required: weight === 2 }));
    expect(confidence(...others, ...errors)).toEqual(confidence(...others));
  });

  it('does not count a check that could not run, and is never green with one', () => {
    expect(confidence(check('passed'), check('error'))).toEqual({
      score: 1,
      level: 'yellow',
    });
    expect(confidence(check('failed'), check('error'))).toEqual({
      score: 0,
      level: 'red',
    });
    const beside = check('error', { weight: 0 });
    expect(confidence(check('passed'), beside)).toEqual({
      score: 1,
      level: 'green',
    });
  });

  it('never rises when a check fails instead of passing', () => {
    const order = ['red', 'unknown', 'yellow', 'green'];
    const checks = fc.array(
      fc.record({
        outcome: fc.constantFrom('passed' as const, 'failed' as const, 'error' as const),
        required: fc.boolean(),
        weight: fc.integer({ min: 0, max: 5 }),
      }),
    );
    fc.assert(
      fc.property(checks, fc.record({ required: fc.boolean(), weight: fc.nat(5) }), (many, one) => {
        const rank = (outcome: 'passed' | 'failed') =>
          order.indexOf(confidenceOf([...many, { outcome, ...one }], thresholds).level);
        expect(rank('failed')).toBeLessThanOrEqual(rank('passed'));
      }),
    );
  });
});

describe('a check is required', () => {
  it.each([
    [{}, true],
    [{ weight: 1 }, false],
    [{ required: false }, false],
    [{ required: true, weight: 1 }, true],
  ])('as %j: %s', (given, expected) => {
    expect(isRequired(given)).toBe(expected);
  });
});

describe('the summary of the checks', () => {
  it('counts what passed and names the others with their reason', () => {
    const checks = [
      check('passed'),
      check('failed', { name: 'lint' }),
      check('error', { name: 'types', message: 'there is no program tsc' }),
    ];
    expect(summaryOfChecks(checks)).toBe(
      '1 of 3 checks passed; lint failed: ended with exit code 1; ' +
        'types could not run: there is no program tsc',
    );
  });

  it('stays short when much is wrong', () => {
    const many = Array.from({ length: 60 }, () => check('failed'));
    expect(summaryOfChecks(many)).toMatch(/^0 of 60 checks passed; .*; and 55 more$/);
    expect(summaryOfChecks([])).toBe('there was nothing to check');
  });
});

describe('the evaluation of a run', () => {
  const runId = 'abcdefgh12345678-g1-build-a1';
  const complete = {
    type: 'complete' as const,
    work: { runId, directiveId: 'abcdefgh12345678', step: 'build' },
    thresholds,
    checks: [check('passed')],
    durationMs: 7,
  };

  it('is completed once: whoever comes second has nothing to add', () => {
    const { initial, decide, evolve } = evaluationDecider;
    const [event] = decide(complete, initial) as unknown as {
      type: string;
      data: { durationMs: number };
    }[];
    expect(event).toMatchObject({
      type: 'EvaluationCompleted',
      data: { runId, confidence: { level: 'green' }, durationMs: 7 },
    });
    const after = evolve(initial, event as unknown as RecordedEvent);
    expect(after).toMatchObject({ status: 'completed', evaluation: { step: 'build' } });
    expect(decide({ ...complete, checks: [check('failed')] }, after)).toEqual([]);
  });
});
