import { storyFile as file, storyId as id, DirectiveStory as Story } from '@writ/testing';
import { directiveDocument } from './directive-documents';
import { workOf } from './directive-work';

describe('rework', () => {
  const checked = { verify: [{ kind: 'files', paths: ['x'] }] };
  const story = (more: object = {}) => {
    const fresh = new Story();
    fresh.create(file([{ name: 'one', ...checked }], { autonomy: 'full_auto', ...more }));
    return fresh;
  };

  it('seed defect 2: runs the step again with what the checks found', () => {
    const one = story();
    expect(one.attempt('one', 0.2)).toEqual(['StepReworkRequested', 'StepStarted']);
    expect(workOf(one.directive)).toMatchObject([
      {
        id: `${id}-g1-one-a2`,
        data: {
          attempt: 2,
          rework: {
            instructions: 'Mend what the checks found: checks say',
            checks: [{ name: 'tests', passed: false, output: 'it ended with 1\nexpected 4' }],
            previous: { runId: `${id}-g1-one-a1`, artifacts: [{ path: 'out' }] },
            continues: true,
          },
        },
      },
    ]);
    expect(one.attempt('one', 1)).toEqual(['StepPassed', 'DirectiveCompleted']);
    expect(one.directive.chain.get('one')).toMatchObject({ attempt: 2, status: 'passed' });
  });

  it('seed defect 1: ends at its limit by one decision; the step is blocked and stays so, and what needs it', () => {
    const one = new Story();
    const steps = [
      { name: 'one', ...checked },
      { name: 'two', dependsOn: ['one'] },
    ];
    one.create(file(steps, { autonomy: 'full_auto', limits: { maxReworkCycles: 2 } }));
    one.attempt('one', 0.1);
    one.attempt('one', 0.2);
    expect(one.attempt('one', 0.3)).toEqual(['StepBlocked', 'StepBlocked', 'DirectiveFailed']);
    expect(directiveDocument(one.directive).steps).toMatchObject([
      { status: 'blocked', reason: '2 reworks did not mend it: checks say' },
      { status: 'blocked', reason: 'needs one, which failed' },
    ]);
    expect(one.attempt('one', 0.4)).toEqual([]);
    expect(one.statusOf('one')).toBe('blocked');
  });

  it.each([
    ['makes the same again', [0.2, 0.4], ['same', 'same'], 'made the same again'],
    ['is not better', [0.2, 0.2], ['a', 'b'], 'did not make it better (score 0.2, then 0.2)'],
    ['is worse', [0.4, 0.2], ['a', 'b'], 'did not make it better (score 0.4, then 0.2)'],
  ])('ends early when it %s', (_, scores, made, reason) => {
    const one = story();
    one.attempt('one', scores[0] ?? 0, made[0]);
    expect(one.attempt('one', scores[1] ?? 0, made[1])[0]).toBe('StepBlocked');
    expect(directiveDocument(one.directive).steps[0]?.reason).toContain(reason);
  });

  it('waits for room like any step that is ready', () => {
    const one = new Story();
    const steps = [{ name: 'one', ...checked }, { name: 'two' }, { name: 'three' }];
    one.create(file(steps, { limits: { maxParallelSteps: 2 } }));
    one.typesWhen({ type: 'pause', commandId: 'pause' });
    expect(one.attempt('one', 0)).toEqual(['StepReworkRequested']);
    expect(one.statusOf('one')).toBe('rework');
    expect(one.typesWhen({ type: 'resume', commandId: 'resume' })).toEqual([
      ...['DirectiveResumed', 'StepStarted'],
    ]);
    expect(one.directive.chain.get('one')?.attempt).toBe(2);
  });

  it('costs what each attempt cost', () => {
    const one = story();
    const usage = { inputTokens: 1, outputTokens: 1, costUsd: 0.25 };
    for (const score of [0.1, 1]) {
      one.end('one', { runId: one.runIdOf('one'), usage, artifacts: [] });
      one.attempt('one', score);
    }
    expect(one.directive.ledger.spent.costUsd).toBe(0.5);
  });
});
