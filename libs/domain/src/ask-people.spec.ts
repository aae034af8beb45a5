import * as fc from 'fast-check';
import type { EvaluateWork, RunWork } from '@writ/contracts';
import {
  storyFile as file,
  storyId as id,
  DirectiveStory as Story,
  type StoryStep,
} from '@writ/testing';
import { directiveDocument } from './directive-documents';
import type { CastVote } from './directive-votes';
import { workOf } from './directive-work';
import { planExplicit } from './planning';

const artifact = { digest: `sha256:${'d'.repeat(64)}`, bytes: 9 };
const said = (answer: CastVote['answer']): Partial<CastVote> => ({
  ...{ verb: 'answer', answer, artifact, now: '2026-01-01T01:00:00Z' },
});

describe('a step that is a question', () => {
  const human = (more: object = {}) => ({ kind: 'human', question: 'Which colour?', ...more });
  const asking = (adapter: object = human(), more: Record<string, unknown> = {}) => {
    const story = new Story();
    const steps: StoryStep[] = [
      { name: 'ask', adapter },
      { name: 'use', dependsOn: ['ask'] },
    ];
    const asked = story.create(file(steps, more));
    return { story, asked };
  };

  it('is asked where another would start, and no executor is', () => {
    const { story, asked } = asking();
    expect(asked).toEqual([
      ...['DirectiveCreated', 'DirectiveStarted', 'ChainActivated', 'ApprovalRequested'],
    ]);
    expect(workOf(story.directive)).toEqual([]);
    expect(story.statusOf('ask')).toBe('awaiting_approval');
    expect(story.approval('ask').request).toMatchObject({
      ...{ type: 'question', summary: 'Which colour?', approvalId: `${id}-g1-ask-a1-review` },
      question: { runId: `${id}-g1-ask-a1`, attempt: 1 },
    });
  });

  it('holds no parallel place, wherever it stands in the chain', () => {
    const limits = { maxParallelSteps: 1 };
    const story = new Story();
    const others = [{ name: 'one' }, { name: 'two' }, { name: 'ask', adapter: human() }];
    story.create(file(others, { limits }));
    expect(['one', 'two', 'ask'].map((name) => story.statusOf(name))).toEqual([
      ...['running', 'pending', 'awaiting_approval'],
    ]);
  });

  it('passes with the answer, which later steps get as an artifact', () => {
    const { story } = asking();
    expect(story.vote('ask', said({ text: 'blue' }))).toEqual([
      ...['ApprovalVoted', 'ApprovalResolved', 'StepPassed', 'StepStarted'],
    ]);
    const [work] = workOf(story.directive);
    const made = { path: 'answer.json', ...artifact, authoredBy: 'alice' };
    expect((work?.data as RunWork).dependencies).toEqual([
      { step: 'ask', runId: `${id}-g1-ask-a1`, artifacts: [made] },
    ]);
  });

  it.each([
    ['nothing', human(), { answer: undefined }, 'incomplete'],
    [
      'a choice that there is not',
      human({ choices: ['red', 'blue'] }),
      { choice: 'x' },
      'incomplete',
    ],
    [
      'words where there are choices',
      human({ choices: ['red', 'blue'] }),
      { text: 'x' },
      'incomplete',
    ],
    ['a choice where there are none', human(), { choice: 'red' }, 'incomplete'],
  ])('does not take %s', (_, adapter, answer, code) => {
    const { story } = asking(adapter);
    const cast = 'answer' in answer ? { verb: 'answer' as const } : said(answer);
    expect(story.vote('ask', cast)).toEqual(['CommandRefused']);
    expect(story.events.at(-1)?.data).toMatchObject({ code });
  });

  it('is not passed by an approval without an answer, and cannot be made again', () => {
    const { story } = asking();
    expect(story.vote('ask')).toEqual(['CommandRefused']);
    expect(story.vote('ask', { decision: 'rework' })).toEqual(['CommandRefused']);
  });

  it('is blocked when it is denied, or nobody answers in time', () => {
    const { story } = asking();
    expect(story.vote('ask', { decision: 'deny', comment: 'no' })).toContain('StepBlocked');
    const late = asking(human(), { approvals: { deadlineMinutes: 5, quorum: 3 } }).story;
    const now = late.approval('ask').deadline ?? '';
    expect(late.typesWhen({ type: 'note-deadline', now })).toContain('DirectiveFailed');
  });

  it('is void when the directive is stopped or the step is skipped, and asked again by a retry', () => {
    const { story } = asking();
    expect(story.typesWhen({ type: 'stop', commandId: 's' })).toContain('ApprovalVoided');
    const other = asking().story;
    const skip = { type: 'skip-step', commandId: 'k', step: 'ask' } as const;
    expect(other.typesWhen(skip)).toContain('ApprovalVoided');
    const again = asking().story;
    again.vote('ask', { decision: 'deny' });
    expect(again.directive.status).toBe('failed');
    const two = new Story();
    two.create(
      file([
        { name: 'ask', adapter: human() },
        { name: 'on', adapter: human() },
      ]),
    );
    two.vote('ask', said({ text: 'blue' }));
    two.typesWhen({ type: 'retry-step', commandId: 'r', step: 'ask' });
    expect(two.approval('ask').request.approvalId).toBe(`${id}-g1-ask-a2-review`);
  });

  it('with choices takes one of them', () => {
    const { story } = asking(human({ choices: ['red', 'blue'] }));
    expect(story.vote('ask', said({ choice: 'red', text: 'of course' }))).toContain('StepPassed');
  });
});

it.each([
  ['verify', { verify: [{ kind: 'files', paths: ['x'] }] }],
  ['outputs', { outputs: ['x'] }],
  ['inputs', { inputs: [{ name: 'x', digest: artifact.digest }] }],
])('a question with %s is no sound plan: nothing would come of it', (member, more) => {
  const adapter = { kind: 'human', question: 'Which?' };
  const directive = file([{ name: 'ask', adapter, ...more }]);
  const path = `/chain/steps/0/${member}`;
  expect(planExplicit(directive)).toMatchObject({ issues: [{ code: 'human_step', path }] });
});

describe('a check that is a person', () => {
  const machine = { kind: 'files', paths: ['x'] };
  const human = { kind: 'human', question: 'Does it read well?' };
  const checkId = `${id}-g1-one-a1-check`;
  const asking = (verify: object[], more: Record<string, unknown> = {}) => {
    const story = new Story();
    story.create(file([{ name: 'one', verify }], more));
    return story;
  };
  const answer = (story: Story, decision: 'approve' | 'deny', comment?: string) => {
    const approval = story.directive.approvals.get(checkId);
    if (approval === undefined) throw new Error('nobody is asked');
    const { approvalId, digest } = approval.request;
    const verb = decision;
    const vote = { decision, verb, digest, approvalId, comment, by: { id: 'ada' } };
    const now = '2026-01-01T00:00:00Z';
    return story.typesWhen({ type: 'vote', commandId: 'check', now, ...vote });
  };

  it('is asked after the others, which the verifier carries out without it', () => {
    const story = asking([human, machine]);
    expect(story.end('one')).toEqual(['StepEvaluating']);
    const [work] = workOf(story.directive);
    expect((work?.data as EvaluateWork).checks).toMatchObject([machine]);
    expect(story.evaluate('one', 'green')).toEqual(['ApprovalRequested']);
    expect(story.directive.approvals.get(checkId)?.request).toMatchObject({
      ...{ type: 'human_check', summary: 'Does it read well?' },
    });
    expect(answer(story, 'approve')).toEqual([
      ...['ApprovalVoted', 'ApprovalResolved', 'StepPassed', 'DirectiveCompleted'],
    ]);
  });

  it('alone is asked at once', () => {
    const story = asking([human]);
    expect(story.end('one')).toEqual(['ApprovalRequested']);
    answer(story, 'approve');
    expect(story.directive.chain.get('one')).toMatchObject({
      ...{ status: 'passed', confidence: { score: 1, level: 'green' } },
    });
  });

  it('that is denied is a required check that failed: the gate sends the step back with the comment', () => {
    const story = asking([human, machine]);
    story.end('one');
    story.evaluate('one', 'green');
    expect(answer(story, 'deny', 'too long')).toEqual([
      ...['ApprovalVoted', 'ApprovalResolved', 'StepReworkRequested', 'StepStarted'],
    ]);
    const [work] = workOf(story.directive);
    const { rework } = work?.data as RunWork;
    expect(rework?.instructions).toContain('denied by ada: too long');
    expect(rework?.checks).toEqual([
      { name: 'a person', passed: false, output: 'denied by ada: too long' },
    ]);
  });

  it('is spared when a required check has failed already', () => {
    const story = asking([human, machine]);
    expect(story.attempt('one', 0)).toContain('StepReworkRequested');
    expect(story.directive.approvals.size).toBe(0);
  });

  it('is asked again about another run, also of one from the cache', () => {
    const story = asking([human]);
    const source = { runId: `${id}-g1-one-a9`, confidence: { score: 1, level: 'green' } };
    expect(story.end('one', { result: 'skipped', source })).toEqual(['ApprovalRequested']);
  });

  it('goes through the gate like others: manual asks for the step too, under an id of its own', () => {
    const story = asking([human], { autonomy: 'manual' });
    story.end('one');
    expect(answer(story, 'approve')).toEqual([
      ...['ApprovalVoted', 'ApprovalResolved', 'ApprovalRequested'],
    ]);
    expect(story.approval('one').request.type).toBe('step_review');
    const document = directiveDocument(story.directive).approvals.at(-1);
    expect(document?.context.checks).toMatchObject([{ kind: 'human', outcome: 'passed' }]);
    expect(story.vote('one')).toContain('DirectiveCompleted');
  });
});

it('of ten that wait, whatever they are, each is resolved once, in any order', () => {
  const kinds = ['review', 'question', 'check'] as const;
  const plan = fc.array(fc.constantFrom(...kinds), { minLength: 10, maxLength: 10 });
  const order = fc.shuffledSubarray([...Array(10).keys()], { minLength: 10 });
  fc.assert(
    fc.property(plan, order, (what, at) => {
      const story = new Story();
      const human = { kind: 'human', question: 'What?' };
      const steps = what.map((kind, index): StoryStep => {
        const name = `s${index}`;
        if (kind === 'question') return { name, adapter: human };
        return kind === 'check' ? { name, verify: [human] } : { name, verify: [] };
      });
      story.create(file(steps, { limits: { maxParallelSteps: 10 } }));
      for (const { name } of steps) if (story.statusOf(name) === 'running') story.end(name);
      expect(story.directive.approvals.size).toBe(10);
      const cast = (index: number) => {
        const name = `s${index}`;
        const asked = [...story.directive.approvals.values()].find(
          ({ request }) => request.step === name,
        );
        const { approvalId, digest } = asked?.request ?? { approvalId: '', digest: '' };
        const more = what[index] === 'question' ? said({ text: 'so' }) : {};
        const vote = { approvalId, digest, decision: 'approve', verb: 'approve' } as const;
        const commandId = `vote-${story.events.length}`;
        const now = '2026-01-01T00:00:00Z';
        return story.typesWhen({
          type: 'vote',
          commandId,
          by: { id: 'ada' },
          now,
          ...vote,
          ...more,
        });
      };
      for (const index of at) expect(cast(index)).toContain('StepPassed');
      for (const index of at) expect(cast(index)).toEqual(['CommandRefused']);
      expect(story.directive.status).toBe('completed');
    }),
    { numRuns: 40 },
  );
});
