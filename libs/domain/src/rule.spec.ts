import { isRefusal, type RuleEvent, type RuleEventData, type RuleStatus } from '@writ/contracts';
import { DeciderHistory } from '@writ/testing';
import type { Approval } from './approvals';
import { legalOnRule, matches, mayDecide, ruleDecider, voteOf, type RuleCommand } from './rule';
import { ruleDocument, type Rule, type RuleState } from './rule-state';

const digest = `sha256:${'a'.repeat(64)}`;
const spec: RuleEventData<'RuleCreated'> = {
  ...{ name: 'small-fixes', when: {}, verdict: 'approve', promoteAfter: 3 },
  contentDigest: digest,
};
const idOf = (n: number) => `abcdefgh12345678-g1-one-a${n}-review`;
const judge = (n: number, more: object = {}) =>
  ({
    ...{ type: 'judge', approvalId: idOf(n), digest, position: 1_000 + n },
    ...{ humanVerdict: 'approve', by: ['ada'], edited: false },
    ...more,
  }) as Extract<RuleCommand, { type: 'judge' }>;
const promote = { type: 'promote', commandId: 'p', by: 'bob' } as const;
const revoke = { type: 'revoke', commandId: 'r', by: 'bob', reason: 'why' } as const;

class Story extends DeciderHistory<RuleState, RuleCommand, RuleEvent> {
  constructor(more: Partial<typeof spec> = {}) {
    super(ruleDecider, 'rule-small-fixes');
    this.when({ type: 'create', commandId: 'c', spec: { ...spec, ...more } });
  }

  get rule(): Rule {
    return this.state as Rule;
  }

  agree(...numbers: number[]): this {
    for (const n of numbers) this.when(judge(n));
    return this;
  }

  static in(status: RuleStatus): Story {
    const story = new Story().agree(1, 2, 3);
    if (status === 'promoted') story.when({ ...promote, commandId: 'earlier' });
    if (status === 'revoked') story.when({ ...revoke, commandId: 'earlier' });
    return story;
  }
}

const approval = (request: object = {}, policy: object = {}): Approval =>
  ({
    request: {
      ...{ approvalId: idOf(1), type: 'step_review', step: 'one', digest, requester: 'eve' },
      confidence: { score: 0.8, level: 'yellow' },
      policy: { roles: [], quorum: 1, excludeRequester: false, escalateTo: [], ...policy },
      ...request,
    },
    ...{ status: 'pending', roles: (policy as { roles?: string[] }).roles ?? [], votes: [] },
  }) as unknown as Approval;

describe('an order', () => {
  const statuses: RuleStatus[] = ['shadow', 'promoted', 'revoked'];
  it.each(statuses.flatMap((status) => [promote, revoke].map((order) => [status, order] as const)))(
    'to a rule in %s: %j',
    (status, order) => {
      const legal = legalOnRule[order.type].includes(status);
      const event = order.type === 'promote' ? 'RulePromoted' : 'RuleRevoked';
      const said = legal ? [event] : ['refused: illegal_transition'];
      expect(Story.in(status).typesWhen(order)).toEqual(said);
    },
  );

  it.each([promote, revoke, judge(1)])('to none is refused: %j', (command) => {
    const story = new DeciderHistory(ruleDecider, 'rule-x');
    expect(story.typesWhen(command)).toEqual(['refused: not_found']);
  });

  it('that comes again does nothing more, and one id is one order', () => {
    const story = Story.in('shadow');
    expect(story.typesWhen(promote)).toEqual(['RulePromoted']);
    expect(story.typesWhen(promote)).toEqual([]);
    expect(story.typesWhen({ ...revoke, commandId: 'p' })).toEqual(['refused: command_reused']);
  });

  it('to make one that is there is refused, unless it is the same order again', () => {
    const create = { type: 'create', commandId: 'c', spec } as const;
    const story = Story.in('revoked');
    expect(story.typesWhen(create)).toEqual([]);
    expect(story.typesWhen({ ...create, commandId: 'd' })).toEqual(['refused: already_exists']);
    const other = { ...spec, contentDigest: `sha256:${'b'.repeat(64)}` };
    expect(story.typesWhen({ ...create, spec: other })).toEqual(['refused: command_reused']);
  });
});

describe('a promotion', () => {
  it('before enough judgements have agreed is refused, with how many are missing', () => {
    const refused = new Story().agree(1).when(promote);
    if (!isRefusal(refused)) throw new Error('it was not refused');
    expect(refused.message).toContain('2 missing');
    expect(refused.details).toEqual({ agreements: 1, promoteAfter: 3, missing: 2 });
  });

  it('asks for agreements without a break', () => {
    const story = new Story().agree(1, 2);
    story.when(judge(3, { humanVerdict: 'rework' }));
    expect(story.agree(4, 5).typesWhen(promote)).toEqual(['refused: illegal_transition']);
    expect(story.agree(6).typesWhen(promote)).toEqual(['RulePromoted']);
    expect(story.rule).toMatchObject({ judged: 6, agreed: 5, agreements: 3, status: 'promoted' });
  });

  it('is taken back by the first judgement that disagrees, and is earned again from nothing', () => {
    const story = Story.in('promoted');
    const denied = judge(4, { humanVerdict: 'deny' });
    expect(story.typesWhen(denied)).toEqual(['RuleJudged', 'RuleRevoked']);
    expect(story.rule).toMatchObject({ status: 'shadow', agreements: 0, promoted: null });
    expect(story.rule.revoked).toMatchObject({ by: null });
    expect(story.rule.revoked?.reason).toContain('ada decided deny');
    expect(story.agree(5, 6).typesWhen(promote)).toEqual(['refused: illegal_transition']);
    expect(story.agree(7).typesWhen(promote)).toEqual(['RulePromoted']);
  });
});

describe('a judgement', () => {
  it.each([
    ['approve', 'approve', false, true],
    ['approve', 'deny', false, false],
    ['approve', 'rework', false, false],
    ['approve', 'approve', true, false],
    ['deny', 'approve', false, false],
    ['deny', 'deny', false, true],
    ['deny', 'rework', false, true],
    ['deny', 'approve', true, false],
  ] as const)('of %s beside %s, edited %s, agrees: %s', (verdict, humanVerdict, edited, agrees) => {
    const story = new Story({ verdict });
    story.when(judge(1, { humanVerdict, edited }));
    expect(story.events.at(-1)?.data).toMatchObject({ ruleVerdict: verdict, humanVerdict, agrees });
  });

  it('is made once about an approval, whoever brings it, and never by a revoked rule', () => {
    const story = new Story().agree(1, 2);
    expect(story.typesWhen(judge(2))).toEqual([]);
    expect(story.typesWhen(judge(1))).toEqual([]);
    expect(Story.in('revoked').typesWhen(judge(9))).toEqual([]);
  });

  it('is not made about what was decided before there was the rule', () => {
    expect(new Story().typesWhen(judge(0, { position: 50 }))).toEqual([]);
  });

  it('and a decision of its own are not about one approval', () => {
    const story = Story.in('promoted');
    const decided = { type: 'note-decided', approvalId: idOf(4), digest, position: 1_004 } as const;
    expect(story.typesWhen(decided)).toEqual(['RuleDecided']);
    expect(story.typesWhen(decided)).toEqual([]);
    expect(story.typesWhen(judge(4))).toEqual([]);
    expect(ruleDocument(story.rule)).toMatchObject({
      decided: 1,
      decisions: [{ approvalId: idOf(4), decision: 'approve' }],
      judgements: [{ agrees: true }, { agrees: true }, { agrees: true }],
    });
  });
});

describe('a rule has a verdict', () => {
  const step = { type: 'implement', adapter: { kind: 'shell', script: 'x' } } as const;
  const about = (request: object = {}) => ({
    approval: approval(request),
    step,
    title: 'Fix THIS',
  });

  it.each([
    [{}, true],
    [{ stepTypes: ['review', 'implement'] }, true],
    [{ stepTypes: ['review'] }, false],
    [{ adapters: ['shell' as const] }, true],
    [{ adapters: ['http' as const] }, false],
    [{ minScore: 0.8 }, true],
    [{ minScore: 0.81 }, false],
    [{ levels: ['yellow' as const] }, true],
    [{ levels: ['green' as const] }, false],
    [{ titleIncludes: 'fix this' }, true],
    [{ titleIncludes: 'other' }, false],
    [{ levels: ['yellow' as const], titleIncludes: 'other' }, false],
  ])('when %j: %s', (when, expected) => expect(matches({ when }, about())).toBe(expected));

  it('about what a run made and what a person checks, never about a plan or a question', () => {
    const types = ['step_review', 'human_check', 'plan_review', 'question'];
    const found = types.map((type) => matches({ when: {} }, about({ type })));
    expect(found).toEqual([true, true, false, false]);
  });

  it('where nothing gave a score only when it asks for none', () => {
    const unknown = about({ confidence: null });
    expect(matches({ when: { minScore: 0 } }, unknown)).toBe(false);
    expect(matches({ when: { levels: ['unknown'] } }, unknown)).toBe(true);
    expect(matches({ when: { adapters: ['shell'] } }, { ...unknown, step: undefined })).toBe(false);
  });
});

describe('a rule decides', () => {
  it('once it is promoted, and says so', () => {
    expect(mayDecide(Story.in('shadow').rule, approval())).toBe(false);
    const { rule } = Story.in('promoted');
    expect(mayDecide(rule, approval())).toBe(true);
    expect(voteOf(rule, approval())).toMatchObject({
      ...{ commandId: `rule-small-fixes-${idOf(1)}`, decision: 'approve', digest },
      by: { id: 'rule:small-fixes' },
      comment: 'decided by the rule small-fixes, promoted by bob after 3 agreements',
    });
  });

  it.each([
    ['several have to approve', { quorum: 2 }, {}],
    ['roles are named', { roles: ['reviewer'] }, {}],
    ['something is to be ticked', { checklist: ['read'] }, {}],
    ['its maker asked, and may not', { excludeRequester: true }, { requester: 'test' }],
  ])('nothing where %s', (_why, policy, request) => {
    expect(mayDecide(Story.in('promoted').rule, approval(request, policy))).toBe(false);
  });

  it('nothing that is decided or escalated, and what others than its maker asked', () => {
    const { rule } = Story.in('promoted');
    expect(mayDecide(rule, { ...approval(), status: 'denied' })).toBe(false);
    expect(mayDecide(rule, { ...approval(), roles: ['lead'] })).toBe(false);
    expect(mayDecide(rule, approval({}, { excludeRequester: true }))).toBe(true);
  });
});
