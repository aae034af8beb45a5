import {
  directiveCommands,
  directiveStatuses,
  isRefusal,
  toldVerbs,
  type DirectiveStatus,
  type ToldVerb,
} from '@writ/contracts';
import { DirectiveFile } from '@writ/contracts';
import { storyFile as file, storyId as id, DirectiveStory as Story } from '@writ/testing';
import type { DirectiveOrder } from './directive-command';
import { directiveDocument } from './directive-documents';
import { legalFrom } from './directive-orders';
import { workOf } from './directive-work';

const stepOf = (more: Record<string, unknown>) => file([{ name: 'one', ...more }]).chain!.steps[0]!;
const chainOf = (...steps: Parameters<typeof file>[0]) => file(steps).chain!;

/** An order that would do something in a directive of the steps one and two. */
const orders: { readonly [V in ToldVerb]: Record<string, unknown> } = {
  start: {},
  pause: {},
  resume: {},
  stop: {},
  archive: {},
  amend: { changes: { goal: 'Another goal' } },
  'raise-limit': { limits: { maxFailedSteps: 9 } },
  replan: { chain: chainOf({ name: 'new' }) },
  'submit-plan': { chain: chainOf({ name: 'new' }) },
  'add-step': { step: stepOf({ name: 'three' }) },
  'update-step': { step: stepOf({ name: 'two', description: 'anew' }) },
  'remove-step': { step: 'two' },
  'skip-step': { step: 'two' },
  'retry-step': { step: 'one' },
  rollback: { step: 'one' },
};
let count = 0;
const order = (verb: ToldVerb, more: Record<string, unknown> = {}) =>
  ({ type: verb, commandId: `order-${(count += 1)}`, ...orders[verb], ...more }) as DirectiveOrder;

const two = [{ name: 'one' }, { name: 'two', dependsOn: ['one'] }];
const git = { workspace: { kind: 'git', repository: '/r' } };
const ways: { readonly [S in DirectiveStatus]: () => Story } = {
  draft: () => begun({}, { start: false }),
  planning: () => begun(git),
  awaiting_approval: () => begun({ planner: { kind: 'explicit', approval: true } }),
  active: () => begun(),
  paused: () => after(begun(), order('pause')),
  suspended: () => {
    const story = begun({ limits: { maxFailedSteps: 0 } }, {}, [...two, { name: 'three' }]);
    story.end('one', { result: 'failed' });
    return story;
  },
  completed: () => {
    const story = begun();
    story.end('one');
    story.end('two');
    return story;
  },
  failed: () => {
    const story = begun();
    story.end('one', { result: 'failed' });
    return story;
  },
  stopped: () => after(begun(), order('stop')),
  archived: () => after(ways.completed(), order('archive')),
};

function begun(
  more: object = {},
  how: object = {},
  steps: Parameters<typeof file>[0] = two,
): Story {
  const story = new Story();
  story.create(file(steps, more as Record<string, unknown>), how);
  return story;
}
function after(story: Story, what: DirectiveOrder): Story {
  story.when(what);
  return story;
}
const refusedAs = (story: Story) =>
  (story.events.at(-1)?.data ?? {}) as { code?: string; message?: string; details?: unknown };

describe('an order to a directive', () => {
  it.each(directiveStatuses)('from %s leads on exactly where the table says', (from) => {
    for (const verb of toldVerbs) {
      const story = ways[from]();
      expect(story.directive.status).toBe(from);
      const types = story.typesWhen(order(verb));
      const illegal =
        types[0] === 'CommandRefused' && refusedAs(story).code === 'illegal_transition';
      if (legalFrom[verb].includes(from)) {
        // What the directive allows may still not fit its steps.
        const details = refusedAs(story).details as { from?: string } | undefined;
        expect([verb, illegal && details?.from === from && 'verb' in details]).not.toEqual([
          verb,
          true,
        ]);
      } else {
        const details = {
          from,
          verb,
          legal: toldVerbs.filter((it) => legalFrom[it].includes(from)),
        };
        expect([verb, refusedAs(story)]).toMatchObject([
          verb,
          { code: 'illegal_transition', details },
        ]);
      }
    }
  });

  it('seed defect 19: is legal from every state that has not ended, and leads out of each of them', () => {
    const from = Object.values(legalFrom).flat();
    expect([...new Set(from)].sort()).toEqual(
      directiveStatuses.filter((it) => it !== 'archived').sort(),
    );
  });

  it('fits the data that its command carries', () => {
    for (const verb of toldVerbs) {
      const { success } = directiveCommands[verb].safeParse({ directiveId: id, ...orders[verb] });
      expect([verb, success]).toEqual([verb, true]);
    }
  });

  it('that comes again does nothing, and one that was refused stays so', () => {
    for (const verb of ['amend', 'raise-limit', 'replan', 'add-step', 'skip-step'] as const) {
      const story = begun();
      const said = order(verb);
      expect(story.typesWhen(said)[0]).not.toBe('CommandRefused');
      expect([verb, story.when(said)]).toEqual([verb, []]);
      const other = story.when({ type: 'stop', commandId: said.commandId });
      expect(isRefusal(other) && other.refused).toBe('command_reused');
    }
    const story = begun();
    const refused = order('skip-step', { step: 'nowhere' });
    expect(story.typesWhen(refused)).toEqual(['CommandRefused']);
    expect(story.when(refused)).toEqual([]);
  });
});

describe('a pause', () => {
  it('that cuts cancels what runs, which starts anew with a resume', () => {
    const story = begun();
    expect(story.typesWhen(order('pause', { mode: 'cut' }))).toEqual([
      'DirectivePaused',
      'StepCancelled',
    ]);
    expect(story.statusOf('one')).toBe('pending');
    expect(story.end('one', { result: 'cancelled' })).toEqual(['RunOrphaned']);
    expect(story.typesWhen(order('resume'))).toEqual(['DirectiveResumed', 'StepStarted']);
    expect(story.runIdOf('one')).toBe(`${id}-g1-one-a2`);
  });

  it('that cuts waits for the end of what it has cut before that starts anew', () => {
    const story = begun();
    story.when(order('pause', { mode: 'cut' }));
    expect(story.typesWhen(order('resume'))).toEqual(['DirectiveResumed']);
    expect(workOf(story.directive).map(({ id: item }) => item)).toEqual([`${id}-g1-one-a1`]);
    expect(story.end('one', { result: 'cancelled' })).toEqual(['RunOrphaned', 'StepStarted']);
    expect(workOf(story.directive).map(({ id: item }) => item)).toEqual([`${id}-g1-one-a2`]);
  });

  it('seed defect 10: every order leaves an event, and stopped is a state of its own', () => {
    const story = begun();
    for (const verb of ['pause', 'resume', 'stop', 'archive'] as const) {
      expect(story.typesWhen(order(verb)).join()).toMatch(/Directive/);
      if (verb === 'stop') expect(story.directive.status).toBe('stopped');
    }
  });

  it('seed defect 11: comes while planning too', () => {
    const story = ways.planning();
    expect(story.typesWhen(order('pause'))).toEqual(['DirectivePaused']);
    expect(story.directive.pausedFrom).toBe('planning');
  });

  it('seed defect 9: a start of what is paused is refused, and plans nothing', () => {
    const story = ways.paused();
    expect(story.typesWhen(order('start'))).toEqual(['CommandRefused']);
    expect(story.directive.generation).toBe(1);
  });
});

describe('a suspension', () => {
  it('seed defect 5: is an event with its reason and the way out, which leads out', () => {
    const story = ways.suspended();
    const { suspension } = story.directive;
    expect(suspension).toMatchObject({
      kind: 'failed_steps',
      reason: expect.stringContaining('one'),
    });
    expect(suspension?.wayOut).toContain('writ raise-limit');
    expect(story.typesWhen(order('resume'))).toEqual(['CommandRefused']);
    expect(refusedAs(story).message).toContain('writ raise-limit');
    expect(story.typesWhen(order('raise-limit'))).toEqual(['LimitsRaised', 'DirectiveResumed']);
    expect(story.directive).toMatchObject({ status: 'active', suspension: null, reason: null });
  });

  it('ends with a retry of the step that failed', () => {
    const story = ways.suspended();
    expect(story.typesWhen(order('retry-step'))).toEqual([
      ...['StepReopened', 'StepReopened', 'DirectiveResumed', 'StepStarted'],
    ]);
    expect(story.runIdOf('one')).toBe(`${id}-g1-one-a2`);
  });

  it('lets what runs end, and starts nothing', () => {
    const story = ways.suspended();
    expect(story.end('three')).toEqual(['StepPassed']);
    expect(story.directive.status).toBe('suspended');
  });
});

describe('an amendment', () => {
  it('shows the difference, and the limits it names count at once', () => {
    const steps = [{ name: 'a' }, { name: 'b' }];
    const story = begun({ limits: { maxParallelSteps: 1 } }, {}, steps);
    const changes = { goal: 'Another', limits: { maxParallelSteps: 2 } };
    expect(story.typesWhen(order('amend', { changes }))).toEqual([
      'DirectiveAmended',
      'StepStarted',
    ]);
    expect(story.events.at(-2)?.data).toMatchObject({
      changes: [
        { path: '/goal', from: 'A goal', to: 'Another' },
        { path: '/limits/maxParallelSteps', from: 1, to: 2 },
      ],
    });
    expect(directiveDocument(story.directive).goal).toBe('Another');
  });

  it('that changes nothing is refused', () => {
    const story = begun();
    expect(story.typesWhen(order('amend', { changes: { goal: 'A goal' } }))).toEqual([
      'CommandRefused',
    ]);
  });

  it('that asks for more than the chain has suspends the end, until a chain covers it', () => {
    const story = begun({}, {}, [{ name: 'one' }]);
    const requirements = [{ id: 'R9', description: 'More.' }];
    story.when(order('amend', { changes: { requirements } }));
    expect(story.end('one')).toEqual(['StepPassed', 'DirectiveSuspended']);
    expect(story.directive.suspension).toMatchObject({ kind: 'policy' });
    const more = stepOf({ name: 'more', requirementIds: ['R9'] });
    expect(story.typesWhen(order('add-step', { step: more }))).toEqual([
      ...['StepAdded', 'DirectiveResumed', 'StepStarted'],
    ]);
  });

  it('lowers a limit, which raise-limit never does', () => {
    const story = begun();
    const limits = { maxFailedSteps: 1 };
    expect(story.typesWhen(order('raise-limit', { limits }))).toEqual(['CommandRefused']);
    expect(story.typesWhen(order('amend', { changes: { limits } }))).toEqual(['DirectiveAmended']);
  });
});

describe('a step', () => {
  it('that is skipped lets go on what waits for it, and what it had blocked', () => {
    const story = begun({}, {}, [...two, { name: 'long' }]);
    story.end('one', { result: 'failed' });
    expect(story.statusOf('two')).toBe('blocked');
    expect(story.typesWhen(order('skip-step', { step: 'one', reason: 'by hand' }))).toEqual([
      ...['StepSkipped', 'StepReopened', 'StepStarted'],
    ]);
    story.end('two');
    expect(story.end('long')).toEqual(['StepPassed', 'DirectiveCompleted']);
  });

  it('that runs cannot be skipped or changed', () => {
    for (const verb of ['skip-step', 'update-step', 'remove-step'] as const) {
      const story = begun();
      const about = verb === 'update-step' ? { step: stepOf({ name: 'one' }) } : { step: 'one' };
      expect(story.typesWhen(order(verb, about))).toEqual(['CommandRefused']);
      expect(refusedAs(story)).toMatchObject({ details: { from: 'running' } });
    }
  });

  it('that is retried takes everything with it that went on from what it made', () => {
    const three = { name: 'three', dependsOn: ['two'] };
    const story = begun({}, {}, [...two, three, { name: 'aside' }]);
    story.end('one');
    story.end('two');
    expect(story.typesWhen(order('retry-step', { step: 'one' }))).toEqual([
      ...['StepReopened', 'StepReopened', 'StepCancelled', 'StepStarted'],
    ]);
    expect([story.statusOf('one'), story.statusOf('two')]).toEqual(['running', 'stale']);
    expect([story.statusOf('three'), story.statusOf('aside')]).toEqual(['pending', 'running']);
    expect(story.end('three', { result: 'cancelled' })).toEqual(['RunOrphaned']);
    story.end('one', { runId: `${id}-g1-one-a2` });
    expect(story.runIdOf('two')).toBe(`${id}-g1-two-a2`);
  });

  it('that failed is mended with other words, and goes on with its attempts', () => {
    const story = begun({}, {}, [...two, { name: 'long' }]);
    story.end('one', { result: 'failed' });
    const step = stepOf({ name: 'one', adapter: { kind: 'echo', output: 'better' } });
    expect(story.typesWhen(order('update-step', { step }))).toEqual([
      ...['StepUpdated', 'StepReopened', 'StepStarted'],
    ]);
    expect(story.runIdOf('one')).toBe(`${id}-g1-one-a2`);
    expect(story.statusOf('two')).toBe('pending');
  });

  it('is added and removed while others run; a bad one changes nothing', () => {
    const story = begun();
    const bad = stepOf({ name: 'three', dependsOn: ['onne'] });
    expect(story.typesWhen(order('add-step', { step: bad }))).toEqual(['CommandRefused']);
    expect(refusedAs(story)).toMatchObject({ code: 'invalid_directive' });
    expect(story.typesWhen(order('add-step'))).toEqual(['StepAdded', 'StepStarted']);
    expect(story.typesWhen(order('remove-step'))).toEqual(['StepRemoved']);
    expect([...story.directive.chain].map(({ spec }) => spec.name)).toEqual(['one', 'three']);
    expect(story.typesWhen(order('remove-step', { step: 'one' }))).toEqual(['CommandRefused']);
  });

  it('shares a key with one at a time, and a group with as many as its limit says', () => {
    const names = ['a', 'b', 'c', 'd'];
    const keyed = begun(
      {},
      {},
      names.map((name) => ({ name, concurrencyKey: 'db' })),
    );
    expect(names.map((name) => keyed.statusOf(name))).toEqual([
      ...['running', 'pending', 'pending', 'pending'],
    ]);
    expect(keyed.end('a')).toEqual(['StepPassed', 'StepStarted']);
    const limits = { groups: { tests: 2 } };
    const grouped = begun(
      { limits },
      {},
      names.map((name) => ({ name, group: 'tests' })),
    );
    expect(names.filter((name) => grouped.statusOf(name) === 'running')).toEqual(['a', 'b']);
  });
});

describe('another chain', () => {
  const chain = (...steps: Parameters<typeof file>[0]) => ({ chain: chainOf(...steps) });

  it('seed defect 8: keeps the passed steps that are unchanged, and what they made', () => {
    const story = begun();
    const artifacts = [{ path: 'out', digest: `sha256:${'1'.repeat(64)}`, bytes: 1 }];
    story.end('one', { artifacts });
    const types = story.typesWhen(
      order('replan', chain({ name: 'one' }, { name: 'other', dependsOn: ['one'] })),
    );
    expect(types).toEqual(['StepCancelled', 'ChainActivated', 'StepStarted']);
    expect(story.events.at(-2)?.data).toMatchObject({
      generation: 2,
      changes: { kept: ['one'], changed: [], added: ['other'], dropped: ['two'] },
    });
    expect(story.directive.chain.get('one')).toMatchObject({
      status: 'passed',
      run: { artifacts },
    });
    expect(story.runIdOf('other')).toBe(`${id}-g2-other-a1`);
  });

  it('runs a step again when its words or what it needs are others', () => {
    const three = { name: 'three', dependsOn: ['two'] };
    const story = begun({}, {}, [...two, three, { name: 'long' }]);
    for (const name of ['one', 'two', 'three']) story.end(name);
    const changed = { ...two[1]!, description: 'anew' };
    story.when(order('replan', chain(two[0]!, changed, three, { name: 'long' })));
    expect(
      story.events.find(
        ({ type, data }) => type === 'ChainActivated' && 'changes' in (data as object),
      )?.data,
    ).toMatchObject({
      changes: { kept: ['one'], changed: ['two', 'three', 'long'], dropped: [] },
    });
  });

  it('seed defect 14: late results and approvals of the chain before change nothing', () => {
    const story = begun({ autonomy: 'manual' }, {}, [{ name: 'one' }, { name: 'other' }]);
    story.end('one');
    const { approvalId, digest } = story.approval('one').request;
    expect(story.typesWhen(order('replan', chain({ name: 'one', description: 'anew' })))).toEqual([
      ...['StepCancelled', 'ApprovalVoided', 'ChainActivated', 'StepStarted'],
    ]);
    expect(story.end('other')).toEqual(['RunOrphaned']);
    expect(story.end('other')).toEqual([]);
    const vote = { approvalId, digest, decision: 'approve', verb: 'approve' } as const;
    const by = { by: { id: 'alice' }, now: '2026-01-01' };
    expect(story.typesWhen({ type: 'vote', commandId: 'v', ...vote, ...by })).toEqual([
      'CommandRefused',
    ]);
    expect(refusedAs(story).code).toBe('stale');
    expect(story.statusOf('one')).toBe('running');
  });

  it('seed defect 7: the limit of regenerations is looked at when there is one, never else', () => {
    const story = begun({ limits: { maxChainRegenerations: 1 } });
    expect(story.typesWhen(order('replan', chain(...two)))[0]).toBe('StepCancelled');
    expect(story.typesWhen(order('replan', chain(...two)))).toEqual(['CommandRefused']);
    expect(refusedAs(story).message).toContain('raise-limit');
    expect(story.end('one', { result: 'cancelled' })).toEqual(['RunOrphaned', 'StepStarted']);
    story.end('one', { runId: `${id}-g2-one-a1` });
    expect(story.end('two', { runId: `${id}-g2-two-a1` })).toContain('DirectiveCompleted');
  });

  it('seed defect 17: is refused as a whole for a dependency that nobody knows', () => {
    const story = begun();
    const bad = {
      chain: DirectiveFile.shape.chain.parse({ steps: [stepOf({ name: 'x', dependsOn: ['y'] })] }),
    };
    expect(story.typesWhen(order('replan', bad))).toEqual(['CommandRefused']);
    expect(refusedAs(story).message).toContain('"y"');
    expect(story.directive.generation).toBe(1);
  });
});
