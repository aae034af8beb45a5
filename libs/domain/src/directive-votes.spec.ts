import * as fc from 'fast-check';
import type { RunWork } from '@writ/contracts';
import {
  storyFile as file,
  storyId as id,
  DirectiveStory as Story,
  type StoryStep as StepInput,
} from '@writ/testing';
import { directiveDocument } from './directive-documents';
import type { CastVote } from './directive-votes';
import { workOf } from './directive-work';

describe('an approval', () => {
  const asking = (approvals: object = {}, steps: StepInput[] = [{ name: 'one' }]) => {
    const story = new Story();
    story.create(file(steps, { autonomy: 'manual', approvals }));
    for (const { name } of steps) if (story.statusOf(name) === 'running') story.end(name);
    return story;
  };
  const vote = (by: string, more: Partial<CastVote> = {}) => ({ by: { id: by }, ...more });

  it('is asked with the digest of what was made, and holds no place', () => {
    const story = new Story();
    const limits = { maxParallelSteps: 1 };
    story.create(file([{ name: 'one' }, { name: 'two' }], { autonomy: 'manual', limits }));
    expect(story.end('one')).toEqual(['ApprovalRequested', 'StepStarted']);
    expect(story.directive.status).toBe('active');
    const [approval] = directiveDocument(story.directive).approvals;
    expect(approval).toMatchObject({
      ...{ id: `${id}-g1-one-a1-review`, status: 'pending', stepName: 'one', quorum: 1 },
      ...{ stepId: `${id}-g1-one`, deadline: null, votes: [] },
      context: { summary: 'no check is asked for', confidence: null },
    });
    expect(workOf(story.directive)).toMatchObject([{ data: { step: 'two' } }]);
  });

  it('lets the step pass when it is given, once', () => {
    const story = asking();
    expect(story.vote('one')).toEqual([
      ...['ApprovalVoted', 'ApprovalResolved', 'StepPassed', 'DirectiveCompleted'],
    ]);
    expect(story.vote('one', vote('bob'))).toEqual(['CommandRefused']);
    expect(directiveDocument(story.directive).approvals[0]).toMatchObject({ status: 'approved' });
  });

  it('blocks the step when it is denied, and says who and why', () => {
    const story = asking({}, [{ name: 'one' }, { name: 'two', dependsOn: ['one'] }]);
    expect(story.vote('one', { decision: 'deny', comment: 'not like this' })).toEqual([
      ...['ApprovalVoted', 'ApprovalResolved', 'StepBlocked', 'StepBlocked', 'DirectiveFailed'],
    ]);
    expect(directiveDocument(story.directive).steps[0]).toMatchObject({
      ...{ status: 'blocked', reason: 'denied by alice: not like this' },
    });
  });

  it('sends the step back with the comment', () => {
    const story = asking();
    expect(story.vote('one', { decision: 'rework', comment: 'shorter' })).toEqual([
      ...['ApprovalVoted', 'ApprovalResolved', 'StepReworkRequested', 'StepStarted'],
    ]);
    const [work] = workOf(story.directive);
    expect((work?.data as RunWork).rework?.instructions).toMatch(/^shorter\n/);
  });

  it('proposes rework for what was red', () => {
    const story = new Story();
    const verify = [{ kind: 'files', paths: ['x'] }];
    story.create(file([{ name: 'one', verify }], { autonomy: 'manual' }));
    story.attempt('one', 0.2);
    expect(story.approval('one').request).toMatchObject({
      ...{ reworkProposed: true, rework: { checks: [{ output: 'it ended with 1\nexpected 4' }] } },
      confidence: { score: 0.2, level: 'red' },
    });
  });

  const refusalOf = (story: Story) => (story.events.at(-1)?.data as { code: string }).code;

  it.each([
    ['another digest', {}, { digest: `sha256:${'0'.repeat(64)}` }, 'stale'],
    ['no such approval', {}, { approvalId: `${id}-g1-two-a1-review` }, 'not_found'],
    [
      'another role',
      { roles: ['lead'] },
      vote('bob', { by: { id: 'bob', roles: ['dev'] } }),
      'not_allowed',
    ],
    ['no role', { roles: ['lead'] }, { by: { id: 'bob', roles: [] } }, 'not_allowed'],
    ['the requester', { excludeRequester: true }, vote('test'), 'not_allowed'],
    ['too late', { deadlineMinutes: 1 }, { now: '2026-02-01T00:00:00Z' }, 'stale'],
  ])('refuses %s', (_, approvals, cast, code) => {
    const story = asking(approvals);
    expect(story.vote('one', cast)).toEqual(['CommandRefused']);
    expect(refusalOf(story)).toBe(code);
    expect(story.statusOf('one')).toBe('awaiting_approval');
  });

  it('needs as many different people as it says', () => {
    const story = asking({ quorum: 2, roles: ['lead'] });
    expect(story.vote('one', { by: { id: 'alice', roles: ['lead'] } })).toEqual(['ApprovalVoted']);
    expect(story.vote('one', { by: { id: 'alice', roles: ['lead'] } })).toEqual(['CommandRefused']);
    expect(story.vote('one', vote('bob'))).toContain('StepPassed');
  });

  it('is denied by one, whoever approved before', () => {
    const story = asking({ quorum: 3 });
    story.vote('one');
    expect(story.vote('one', vote('bob', { decision: 'deny' }))).toContain('StepBlocked');
  });

  it('gives a repeated command its first answer', () => {
    const story = asking({ quorum: 2 });
    const cast = { commandId: 'the-same' };
    story.vote('one', cast);
    expect(story.vote('one', cast)).toEqual([]);
    expect(story.directive.answers.get('the-same')).toMatchObject({ verb: 'approve' });
  });

  it('is denied when its deadline is over, or goes to others first', () => {
    const later = (story: Story, now: string) => story.typesWhen({ type: 'note-deadline', now });
    const denied = asking({ deadlineMinutes: 5 });
    const { deadline } = denied.approval('one');
    expect(later(denied, '2026-01-01T00:04:00Z')).toEqual([]);
    expect(later(denied, deadline ?? '')).toEqual([
      ...['ApprovalResolved', 'StepBlocked', 'DirectiveFailed'],
    ]);
    const moved = asking({ deadlineMinutes: 5, onExpiry: 'escalate', escalateTo: ['boss'] });
    const first = moved.approval('one').deadline ?? '';
    expect(later(moved, first)).toEqual(['ApprovalEscalated']);
    expect(moved.approval('one').roles).toEqual(['boss']);
    const second = moved.approval('one').deadline ?? '';
    expect(second > first).toBe(true);
    expect(later(moved, second)).toContain('StepBlocked');
  });

  it('of several that are over ends the directive once', () => {
    const steps = [{ name: 'one' }, { name: 'two' }];
    const story = new Story();
    const approvals = { deadlineMinutes: 5 };
    story.create(file(steps, { autonomy: 'manual', approvals }));
    for (const { name } of steps) story.end(name);
    const now = '2026-01-02T00:00:00Z';
    expect(story.typesWhen({ type: 'note-deadline', now })).toEqual([
      ...['ApprovalResolved', 'StepBlocked'],
      ...['ApprovalResolved', 'StepBlocked', 'DirectiveFailed'],
    ]);
  });

  it('is void when the directive ends without it', () => {
    const story = asking();
    expect(story.typesWhen({ type: 'stop', commandId: 'stop' })).toEqual([
      ...['ApprovalVoided', 'DirectiveStopped'],
    ]);
    expect(story.vote('one')).toEqual(['CommandRefused']);
    expect(refusalOf(story)).toBe('stale');
  });

  it('of ten is decided in any order, each once', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...Array(10).keys()], { minLength: 10 }), (order) => {
        const steps = order.map((_, at) => ({ name: `s${at}` }));
        const story = new Story();
        const limits = { maxParallelSteps: 10 };
        story.create(file(steps, { autonomy: 'manual', limits }));
        for (const { name } of steps) story.end(name);
        for (const at of order) expect(story.vote(`s${at}`)).toContain('StepPassed');
        for (const at of order) expect(story.vote(`s${at}`)).toEqual(['CommandRefused']);
        expect(story.directive.status).toBe('completed');
      }),
      { numRuns: 30 },
    );
  });
});
