import * as fc from 'fast-check';
import { PLAN_STEP, runIdOf, type DirectiveEventData } from '@writ/contracts';
import { storyFile as file, storyId as id, DirectiveStory as Story } from '@writ/testing';
import { MARKS } from './budget';
import { directiveDocument } from './directive-documents';
import { workOf } from './directive-work';
import { stepsAhead } from './steps-ahead';

const cost = (costUsd: number, tokens = 0) => ({
  usage: { inputTokens: tokens, outputTokens: 0, costUsd },
});
const three = (costUsd: number, more: object = {}) =>
  ['one', 'two', 'three'].map((name) => ({ name, budget: { costUsd }, ...more }));
const story = (steps: Parameters<typeof file>[0], limits: object, more: object = {}) => {
  const fresh = new Story();
  fresh.create(file(steps, { limits, ...more }));
  return fresh;
};
const running = (it: Story) => it.directive.chain.active().map(({ spec }) => spec.name);
const budgetOf = (it: Story) => directiveDocument(it.directive).budget;

/** Ends the present attempt of the step. */
const end = (it: Story, step: string, more: object = {}) =>
  it.end(step, { runId: it.runIdOf(step), ...more });

describe('the budget of a directive', () => {
  it('is reserved in the event that starts an attempt, and a step that does not fit waits', () => {
    const it = story(three(0.4), { maxTotalCostUsd: 1 });
    expect(running(it)).toEqual(['one', 'two']);
    const started = it.events.filter(({ type }) => type === 'StepStarted');
    expect(started.map(({ data }) => (data as { reserved?: object }).reserved)).toEqual([
      { costUsd: 0.4 },
      { costUsd: 0.4 },
    ]);
    expect(budgetOf(it)).toMatchObject({ limitUsd: 1, spentUsd: 0, reservedUsd: 0.8 });
    expect(end(it, 'one', cost(0.1))).toEqual(['BudgetSettled', 'StepPassed', 'StepStarted']);
    expect(running(it)).toEqual(['two', 'three']);
    expect(budgetOf(it)).toMatchObject({ spentUsd: 0.1, reservedUsd: 0.8 });
  });

  it('is not asked for by a step that is free; one that can cost and says nothing gets a tenth', () => {
    const free = story([{ name: 'one' }], { maxTotalCostUsd: 1 });
    expect(free.events.at(-1)?.data).not.toHaveProperty('reserved');
    const it = story([{ name: 'one', budget: { tokens: 5 } }], { maxTotalCostUsd: 1 });
    expect(it.events.at(-1)?.data).toMatchObject({ reserved: { costUsd: 0.1, tokens: 5 } });
    expect(workOf(it.directive)[0]?.data).toMatchObject({ reserved: { costUsd: 0.1, tokens: 5 } });
    const none = story([{ name: 'one', budget: {} }], { maxTotalCostUsd: 0 });
    expect(none.directive.suspension?.reason).toContain('step one needs');
  });

  it('is given back by an attempt that fails and has used nothing', () => {
    const it = story(three(0.4), { maxTotalCostUsd: 0.4, maxFailedSteps: 3 });
    expect(running(it)).toEqual(['one']);
    expect(end(it, 'one', { result: 'failed' })).toEqual(['StepFailed', 'StepStarted']);
    expect(budgetOf(it)).toMatchObject({ spentUsd: 0, reservedUsd: 0.4 });
    expect(budgetOf(it)?.attempts).toMatchObject([
      { step: 'one', attempt: 1, reserved: { costUsd: 0.4 }, spent: { costUsd: 0 } },
      { step: 'two', attempt: 1, reserved: { costUsd: 0.4 }, spent: null },
    ]);
  });

  it('that is short suspends it with the figures; a higher limit lets it go on', () => {
    const it = story(three(0.4), { maxTotalCostUsd: 1, maxParallelSteps: 1 });
    end(it, 'one', cost(0.4));
    expect(end(it, 'two', cost(0.4)).slice(-1)).toEqual(['DirectiveSuspended']);
    expect(it.directive.suspension).toMatchObject({
      kind: 'budget',
      reason: 'step three needs $0.40, and $0.80 of $1.00 is spent',
      wayOut: `writ raise-limit ${id} --max-total-cost-usd N (or --max-total-tokens N)`,
    });
    expect(it.typesWhen({ type: 'resume', commandId: 'r' })).toEqual(['CommandRefused']);
    const raise = (maxTotalCostUsd: number, commandId: string) =>
      it.typesWhen({ type: 'raise-limit', commandId, limits: { maxTotalCostUsd } });
    expect(raise(1.1, 'little')).toEqual(['LimitsRaised']);
    expect(raise(1.2, 'enough')).toEqual(['LimitsRaised', 'DirectiveResumed', 'StepStarted']);
    expect(end(it, 'three', cost(0.4)).slice(-1)).toEqual(['DirectiveCompleted']);
  });

  it('goes on after an amendment that makes it fit', () => {
    const it = story([{ name: 'one', budget: { tokens: 50 } }], { maxTotalTokens: 10 });
    expect(it.directive.suspension?.reason).toBe(
      'step one needs 50 tokens, and 0 tokens of 10 tokens is spent',
    );
    const changes = { limits: { maxTotalTokens: 50 } };
    expect(it.typesWhen({ type: 'amend', commandId: 'a', changes })).toEqual([
      ...['DirectiveAmended', 'DirectiveResumed', 'StepStarted'],
    ]);
  });

  it('waits for what is under way before it is said to be short', () => {
    const it = story(three(0.6), { maxTotalCostUsd: 1 });
    expect(running(it)).toEqual(['one']);
    expect(it.directive.status).toBe('active');
    expect(end(it, 'one', cost(0.2))).toContain('StepStarted');
  });

  it('is over when more is spent than reserved was: what runs may end, nothing else starts', () => {
    const it = story(three(0.5), { maxTotalCostUsd: 1 });
    expect(end(it, 'one', cost(1.5)).slice(-1)).toEqual(['DirectiveSuspended']);
    expect(it.directive.suspension?.reason).toBe('it has spent $1.50 of $1.00');
    expect(running(it)).toEqual(['two']);
    expect(end(it, 'two', cost(0.5))).toEqual(['BudgetSettled', 'StepPassed']);
    expect(it.statusOf('three')).toBe('pending');
  });

  it('that is overspent by its last step completes: nothing is left to be spent', () => {
    const it = story([{ name: 'one' }], { maxTotalCostUsd: 1 });
    expect(end(it, 'one', cost(2)).slice(-1)).toEqual(['DirectiveCompleted']);
  });

  it('says at its marks, once each, how much is spent, and anew under a higher limit', () => {
    const it = story([...three(0.3), { name: 'four' }, { name: 'five' }], {
      ...{ maxTotalCostUsd: 1, maxParallelSteps: 1 },
    });
    const marks = () =>
      it.events.flatMap(({ type, data }) =>
        type === 'BudgetMarked' ? [(data as DirectiveEventData<'BudgetMarked'>).percent] : [],
      );
    end(it, 'one', cost(0.3));
    expect(marks()).toEqual([]);
    end(it, 'two', cost(0.3));
    expect(marks()).toEqual([50]);
    end(it, 'three', cost(0.36));
    expect(marks()).toEqual([...MARKS]);
    const limits = { maxTotalCostUsd: 2 };
    it.typesWhen({ type: 'raise-limit', commandId: 'r', limits });
    end(it, 'four', cost(0.04));
    expect(marks()).toEqual([...MARKS, 50]);
    expect(it.events.filter(({ type }) => type === 'BudgetMarked').at(-1)?.data).toEqual({
      ...{ of: 'cost', percent: 50, spent: 1, limit: 2 },
    });
  });

  it('counts every attempt of a step', () => {
    const checked = { verify: [{ kind: 'files', paths: ['x'] }] };
    const steps = [{ name: 'one', budget: { costUsd: 0.4 }, ...checked }, { name: 'two' }];
    const it = story(steps, { maxTotalCostUsd: 0.7 }, { autonomy: 'full_auto' });
    end(it, 'one', cost(0.4));
    end(it, 'two');
    // The second attempt does not fit any more.
    expect(it.evaluate('one', 'red')).toEqual(['StepReworkRequested', 'DirectiveSuspended']);
    expect(it.directive.ledger.spent.costUsd).toBe(0.4);
  });

  it('counts what cancelled and superseded runs have used, once, also after the end', () => {
    const it = story(three(0.2), { maxTotalCostUsd: 1 });
    it.typesWhen({ type: 'pause', mode: 'cut', commandId: 'cut' });
    expect(budgetOf(it)?.reservedUsd).toBe(0.6);
    const late = { result: 'cancelled' as const, ...cost(0.1) };
    expect(end(it, 'one', late)).toEqual(['BudgetSettled', 'RunOrphaned']);
    expect(end(it, 'one', late)).toEqual([]);
    expect(budgetOf(it)).toMatchObject({ spentUsd: 0.1, reservedUsd: 0.4 });
    it.typesWhen({ type: 'stop', commandId: 'stop' });
    expect(budgetOf(it)).toMatchObject({ spentUsd: 0.1, reservedUsd: 0 });
    expect(end(it, 'two', late)).toEqual(['BudgetSettled']);
    expect(end(it, 'two', late)).toEqual([]);
    expect(budgetOf(it)).toMatchObject({ spentUsd: 0.2, reservedUsd: 0 });
    expect(budgetOf(it)?.attempts.map(({ step }) => step)).toEqual(['one', 'three', 'two']);
  });

  it('counts what the run that plans has used', () => {
    const it = new Story();
    const planner = { kind: 'agent', adapter: { kind: 'program', argv: ['plan'] } };
    it.create(file([{ name: 'one' }], { planner }));
    const runId = runIdOf(id, 1, PLAN_STEP, 1);
    const ended = it.ended(PLAN_STEP, { runId, ...cost(0.3) });
    it.when({ type: 'note-plan', ended, made: { steps: file([{ name: 'a' }]).chain!.steps } });
    expect(it.directive.ledger.spent.costUsd).toBe(0.3);
  });

  it('is not touched by a run from the cache', () => {
    const it = story(three(0.4), { maxTotalCostUsd: 1 });
    const source = { source: { runId: 'another' } };
    expect(end(it, 'one', { result: 'skipped', ...source, ...cost(0.4) })[0]).toBe('StepPassed');
    expect(budgetOf(it)).toMatchObject({ spentUsd: 0, reservedUsd: 0.8 });
  });

  it('is not spent by steps that nobody asked for yet', () => {
    const steps = [{ name: 'one' }, { name: 'two', dependsOn: ['one'], budget: { costUsd: 1 } }];
    const it = story(steps, {});
    const { chain } = it.directive;
    expect(stepsAhead(it.directive, chain.get('one')!, 9)).toEqual([]);
  });

  it('adds up without drift', () => {
    const steps = Array.from({ length: 10 }, (_, at) => ({
      name: `s${at}`,
      budget: { costUsd: 0.1 },
    }));
    const it = story(steps, { maxTotalCostUsd: 1, maxParallelSteps: 10 });
    expect(running(it)).toHaveLength(10);
    for (const { name } of steps) end(it, name, cost(0.1));
    expect(it.directive.status).toBe('completed');
    expect(it.directive.ledger).toMatchObject({ spent: { costUsd: 1 }, reserved: { costUsd: 0 } });
  });

  it('seed defect 6: cost is summed over all attempts, and stops a step before it starts', () => {
    const it = story(three(0.5), { maxTotalCostUsd: 1.2, maxParallelSteps: 1 });
    end(it, 'one', cost(0.5));
    end(it, 'two', { result: 'failed', ...cost(0.5) });
    expect(it.directive.ledger.spent.costUsd).toBe(1);
    expect(it.directive.suspension?.kind).toBe('budget');
    expect(it.statusOf('three')).toBe('pending');
  });
});

describe('one hundred parallel steps', () => {
  it('spend no more than the limit in any order, when each stays within its reservation', () => {
    const steps = fc.array(
      fc.tuple(fc.nat(50), fc.nat(100), fc.constantFrom('ok', 'ok', 'fails')),
      {
        ...{ minLength: 100, maxLength: 100 },
      },
    );
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 1, max: 3000 }),
        fc.infiniteStream(fc.nat()),
        (drawn, cents, order) => {
          const names = drawn.map((_, at) => `s${at}`);
          const it = story(
            drawn.map(([most], at) => ({ name: `s${at}`, budget: { costUsd: most / 100 } })),
            { maxParallelSteps: 100, maxFailedSteps: 100, maxTotalCostUsd: cents / 100 },
          );
          let spent = 0;
          for (let active = running(it); active.length > 0; active = running(it)) {
            const name = active[(order.next().value as number) % active.length]!;
            const [most, percent, how] = drawn[names.indexOf(name)]!;
            const used = (most * percent) / 10_000;
            spent += used;
            end(it, name, { result: how === 'ok' ? 'success' : 'failed', ...cost(used) });
            const { ledger } = it.directive;
            expect(ledger.spent.costUsd).toBeCloseTo(spent, 6);
            expect(ledger.reserved.costUsd).toBeGreaterThanOrEqual(0);
            expect(ledger.spent.costUsd + ledger.reserved.costUsd).toBeLessThanOrEqual(
              cents / 100 + 1e-9,
            );
          }
          const { status, ledger } = it.directive;
          expect(['completed', 'failed', 'suspended']).toContain(status);
          expect([ledger.open.length, ledger.reserved]).toEqual([0, { costUsd: 0, tokens: 0 }]);
        },
      ),
      { numRuns: 20 },
    );
  });
});
