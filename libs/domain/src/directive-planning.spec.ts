import { PLAN_STEP, type RunWork } from '@writ/contracts';
import { storyFile as file, storyId as id, DirectiveStory as Story } from '@writ/testing';
import type { DirectiveOrder } from './directive-command';
import type { MadePlan } from './directive-planning';
import { workAfter, workOf } from './directive-work';
import { planFor } from './plan-for';

const adapter = { kind: 'program', argv: ['my-agent'] };
const asDirective = (more: Record<string, unknown>) => {
  const { chain: _, ...rest } = file([{ name: 'x' }], more);
  return rest;
};

/** One that is planned by an agent. */
function planned(planner: object = { adapter }, more: Record<string, unknown> = {}): Story {
  const story = new Story();
  const plan = planFor(asDirective({ ...more, planner: { kind: 'agent', ...planner } }));
  if ('issues' in plan) throw new Error(JSON.stringify(plan.issues));
  const how = { commandId: 'c', directiveId: id, contentDigest: `sha256:${'a'.repeat(64)}` };
  story.when({ type: 'create', ...how, ...plan, start: true });
  return story;
}
const stepsOf = (...steps: Parameters<typeof file>[0]) => file(steps).chain!.steps;
const runOf = (attempt: number, generation = 1) => `${id}-g${generation}-${PLAN_STEP}-a${attempt}`;
function made(story: Story, plan: MadePlan, attempt = 1, more: object = {}): string[] {
  const ended = story.ended(PLAN_STEP, { runId: runOf(attempt), ...more });
  return story.typesWhen({ type: 'note-plan', ended, made: plan });
}
let count = 0;
const tell = (story: Story, order: object) =>
  story.typesWhen({ commandId: `o-${(count += 1)}`, ...order } as DirectiveOrder);

describe('a directive that an agent plans', () => {
  it('asks for the plan in a run of its own, with everything that a plan is made of', () => {
    const story = planned({ adapter }, { requirements: [{ id: 'R1', description: 'This.' }] });
    expect(story.directive.status).toBe('planning');
    const [work] = workOf(story.directive);
    expect(work).toMatchObject({ id: runOf(1), subject: 'writ.work.program' });
    const { adapter: given, outputs } = work!.data as RunWork;
    expect(outputs).toEqual(['plan.json']);
    const request = JSON.parse((given as { stdin: string }).stdin) as object;
    expect(request).toMatchObject({ goal: 'A goal', requirements: [{ id: 'R1' }], issues: [] });
  });

  it('carries out what the agent made', () => {
    const story = planned();
    const steps = stepsOf({ name: 'one' }, { name: 'two', dependsOn: ['one'] });
    expect(made(story, { steps, rationale: 'because' })).toEqual([
      ...['PlanSubmitted', 'ChainActivated', 'StepStarted'],
    ]);
    expect(made(story, { steps })).toEqual([]);
    expect(story.directive).toMatchObject({ status: 'active', generation: 1, planning: null });
  });

  it('seed defect 18: a plan with something wrong is taken as a whole or not at all', () => {
    const story = planned();
    const steps = stepsOf({ name: 'one' }, { name: 'two', dependsOn: ['onne'] });
    expect(made(story, { steps })).toEqual(['PlanRejected', 'PlanningStarted']);
    expect([...story.directive.chain]).toEqual([]);
    const [work] = workAfter(story.directive, [
      story.events.at(-1) as unknown as Parameters<typeof workAfter>[1][number],
    ]);
    expect(work?.id).toBe(runOf(2));
    const { stdin } = (work!.data as RunWork).adapter as { stdin: string };
    expect(JSON.parse(stdin)).toMatchObject({ issues: [{ code: 'unknown_dependency' }] });
    expect(made(story, { steps: stepsOf({ name: 'one' }) }, 1)).toEqual([]);
    expect(made(story, { steps: stepsOf({ name: 'one' }) }, 2)).toContain('ChainActivated');
  });

  it('falls back to a chain that is always possible, and says so', () => {
    const story = planned();
    const empty = { steps: [] };
    made(story, empty, 1);
    made(story, { issues: [{ code: 'no_plan', message: 'nothing', path: '' }] }, 2);
    expect(made(story, empty, 3, { result: 'failed' })).toEqual([
      ...['PlanRejected', 'PlanFellBack', 'ChainActivated', 'StepStarted'],
    ]);
    const names = [...story.directive.chain].map(({ spec }) => spec.name);
    expect(names).toEqual(['research', 'implement', 'test']);
    expect(story.events.find(({ type }) => type === 'PlanFellBack')?.data).toMatchObject({
      reason: expect.stringContaining('3 attempts') as string,
    });
  });

  it('takes a plan from whoever submits it when no adapter is named, whole or step by step', () => {
    const whole = planned({});
    expect(workOf(whole.directive)).toEqual([]);
    const chain = { steps: stepsOf({ name: 'one' }) };
    expect(tell(whole, { type: 'submit-plan', chain })).toContain('StepStarted');

    const story = planned({});
    const step = (spec: Parameters<typeof file>[0][number]) => stepsOf(spec)[0];
    tell(story, { type: 'add-step', step: step({ name: 'two', dependsOn: ['one'] }) });
    expect(tell(story, { type: 'submit-plan' })).toEqual(['CommandRefused']);
    expect(tell(story, { type: 'add-step', step: step({ name: 'one' }) })).toEqual(['StepAdded']);
    tell(story, { type: 'add-step', step: step({ name: 'three' }) });
    tell(story, { type: 'update-step', step: step({ name: 'two', description: 'anew' }) });
    tell(story, { type: 'remove-step', step: 'three' });
    expect(tell(story, { type: 'submit-plan', rationale: 'so' })).toEqual([
      'PlanSubmitted',
      'ChainActivated',
      'StepStarted',
      'StepStarted',
    ]);
    expect([...story.directive.chain].map(({ spec }) => spec.description)).toEqual(['anew', '']);
  });

  it('refuses a submitted plan while a run makes one', () => {
    const chain = { steps: stepsOf({ name: 'one' }) };
    expect(tell(planned(), { type: 'submit-plan', chain })).toEqual(['CommandRefused']);
  });

  it('is planned anew by the agent while what runs ends and nothing more starts', () => {
    const story = planned();
    const two = { name: 'two', dependsOn: ['one'] };
    made(story, { steps: stepsOf({ name: 'one' }, two) });
    expect(tell(story, { type: 'replan', reason: 'learnt' })).toEqual(['PlanningStarted']);
    expect(story.end('one')).toEqual(['StepPassed']);
    const steps = stepsOf({ name: 'one' }, { name: 'other', dependsOn: ['one'] });
    const ended = story.ended(PLAN_STEP, { runId: runOf(1, 2) });
    expect(story.typesWhen({ type: 'note-plan', ended, made: { steps } })).toEqual([
      ...['PlanSubmitted', 'ChainActivated', 'StepStarted'],
    ]);
    expect(story.events.at(-2)?.data).toMatchObject({
      ...{ generation: 2, reason: 'learnt' },
      changes: { kept: ['one'], added: ['other'], dropped: ['two'] },
    });
  });

  it('is named and refused where its adapter cannot plan, or where it has a chain', () => {
    const echo = { kind: 'agent', adapter: { kind: 'echo' } };
    expect(planFor(asDirective({ planner: echo }))).toMatchObject({
      issues: [{ code: 'cannot_plan' }],
    });
    const both = file([{ name: 'x' }], { planner: { kind: 'agent' } });
    expect(planFor(both)).toMatchObject({ issues: [{ code: 'chain_not_used' }] });
  });
});

describe('a plan that waits for a person', () => {
  const asked = (more: object = {}) => planned({ adapter, approval: true, ...more });
  const steps = stepsOf({ name: 'one' });
  const decide = (story: Story, decision: 'approve' | 'deny' | 'rework', digest?: string) => {
    const { request } = [...story.directive.approvals.values()].at(-1)!;
    return story.typesWhen({
      ...{ type: 'vote', commandId: `v-${(count += 1)}`, approvalId: request.approvalId, decision },
      ...{ verb: decision === 'approve' ? 'approve' : 'deny', comment: 'so' },
      ...{ digest: digest ?? request.digest, by: { id: 'alice' }, now: '2026-01-01' },
    });
  };

  it('is carried out when it is approved by its digest', () => {
    const story = asked();
    expect(made(story, { steps })).toEqual(['PlanSubmitted', 'ApprovalRequested']);
    expect(story.directive.status).toBe('awaiting_approval');
    expect(decide(story, 'approve', `sha256:${'0'.repeat(64)}`)).toEqual(['CommandRefused']);
    expect(decide(story, 'approve')).toEqual([
      ...['ApprovalVoted', 'ApprovalResolved', 'ChainActivated', 'StepStarted'],
    ]);
  });

  it('goes back to the agent with what the person said', () => {
    const story = asked();
    made(story, { steps });
    expect(decide(story, 'rework')).toEqual([
      ...['ApprovalVoted', 'ApprovalResolved', 'PlanRejected', 'PlanningStarted'],
    ]);
    expect(story.directive.planning).toMatchObject({
      attempt: 2,
      issues: [{ code: 'denied', message: expect.stringContaining('so') as string }],
    });
    expect(made(story, { steps }, 2)).toEqual(['PlanSubmitted', 'ApprovalRequested']);
    expect(story.directive.approvals.size).toBe(2);
  });

  it('is another approval each time, also when it is the chain to fall back to', () => {
    const story = asked();
    for (const attempt of [1, 2, 3]) made(story, { steps: [] }, attempt);
    const ids = () => [...story.directive.approvals.keys()];
    expect(ids()).toHaveLength(1);
    expect(decide(story, 'rework')).toContain('ApprovalRequested');
    expect(new Set(ids()).size).toBe(2);
  });

  it('ends the directive when it is denied, or leaves the chain before it in use', () => {
    const story = asked();
    made(story, { steps });
    expect(decide(story, 'deny').at(-1)).toBe('DirectiveFailed');

    const again = asked();
    made(again, { steps });
    decide(again, 'approve');
    tell(again, { type: 'replan' });
    const ended = again.ended(PLAN_STEP, { runId: runOf(1, 2) });
    again.typesWhen({ type: 'note-plan', ended, made: { steps: stepsOf({ name: 'b' }) } });
    expect(again.end('one')).toEqual(['StepPassed']);
    expect(decide(again, 'deny')).toEqual([
      ...['ApprovalVoted', 'ApprovalResolved', 'PlanRejected', 'DirectiveCompleted'],
    ]);
  });

  it('keeps waiting through a pause', () => {
    const story = asked();
    made(story, { steps });
    tell(story, { type: 'pause' });
    expect(story.directive).toMatchObject({ status: 'paused', pausedFrom: 'awaiting_approval' });
    tell(story, { type: 'resume' });
    expect(story.directive.status).toBe('awaiting_approval');
    tell(story, { type: 'pause' });
    expect(decide(story, 'approve')).toEqual([
      'ApprovalVoted',
      'ApprovalResolved',
      'ChainActivated',
    ]);
    expect(tell(story, { type: 'resume' })).toEqual(['DirectiveResumed', 'StepStarted']);
  });

  it('is asked for in an explicit chain too', () => {
    const story = new Story();
    story.create(file([{ name: 'one' }], { planner: { kind: 'explicit', approval: true } }));
    expect(story.directive.status).toBe('awaiting_approval');
    expect(decide(story, 'approve').at(-1)).toBe('StepStarted');
  });
});
