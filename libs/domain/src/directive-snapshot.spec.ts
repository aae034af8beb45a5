/**
 * The golden file holds histories of directives and what was written of the state after each event,
 * under the shape of that day. When the states change: raise `SHAPE` in `directive-snapshot.ts`, run
 * this spec once with WRIT_GOLDEN=write, and look at the difference. Stories that the file does not
 * hold are added by the same; those that it holds are never told anew.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, DirectiveFile, PLAN_STEP } from '@writ/contracts';
import type { PlannedStep, RecordedEvent } from '@writ/contracts';
import { DirectiveStory as Story, storyFile as file, storyId as directiveId } from '@writ/testing';
import { directiveDecider } from './directive';
import type { DirectiveOrder } from './directive-command';
import { directiveDocument } from './directive-documents';
import { directiveSnapshot } from './directive-snapshot';
import type { Directive, DirectiveState } from './directive-state';
import { workOf } from './directive-work';
import { planFor } from './plan-for';

const { shape, write, read } = directiveSnapshot;
const again = (state: DirectiveState) => read(write(state));
const textOf = (state: DirectiveState) => canonicalJson(JSON.parse(write(state)));

/** Its state goes through a snapshot before every command. */
class Forgetful extends Story {
  override when(command: Parameters<Story['when']>[0]): ReturnType<Story['when']> {
    this.state = again(this.state);
    return super.when(command);
  }
}

const checked = { verify: [{ kind: 'files', paths: ['x'] }] };
const chained = [
  { name: 'one', ...checked },
  { name: 'two', dependsOn: ['one'] },
  { name: 'three', dependsOn: ['one'], ...checked },
  { name: 'four', dependsOn: ['two', 'three'] },
];

const stepsOf = (steps: Parameters<typeof file>[0]) => file(steps).chain?.steps ?? [];
const order = (story: Story, told: object) =>
  story.typesWhen({ commandId: `order-${story.events.length}`, ...told } as DirectiveOrder);

const stories: Readonly<Record<string, (story: Story) => void>> = {
  'a draft': (story) => story.create(file(chained), { start: false }),
  'approved by two after rework, in a repository': (story) => {
    const approvals = { quorum: 2, deadlineMinutes: 5, onExpiry: 'escalate', escalateTo: ['lead'] };
    const workspace = { kind: 'git', repository: '/r' };
    story.create(file(chained, { autonomy: 'guardrails', approvals, workspace }));
    const about = { directiveId, kind: 'git', path: '/r', baseCommit: 'c0' } as const;
    story.workspace({ type: 'WorkspacePrepared', data: { ...about, branch: 'writ/x' } });
    const merged = (step: string, commit: string) => {
      const data = { directiveId, step, runId: story.runIdOf(step), commit };
      return story.workspace({ type: 'StepMerged', data });
    };
    const judged = (step: string, level: 'green' | 'yellow' | 'red', commit: string) => {
      const digest = `sha256:${commit.padStart(64, '0')}`;
      const usage = { inputTokens: 800, outputTokens: 300, costUsd: 0.25 };
      const made = { commit, artifacts: [{ path: 'out', digest, bytes: 1 }] };
      story.end(step, { runId: story.runIdOf(step), ...made, usage });
      story.evaluate(step, level);
    };
    judged('one', 'red', 'c1');
    judged('one', 'green', 'c2');
    const runId = story.runIdOf('one');
    const conflict = { directiveId, step: 'one', runId, paths: ['x'], message: 'x differs' };
    story.workspace({ type: 'StepMergeConflicted', data: conflict });
    judged('one', 'yellow', 'c3');
    story.typesWhen({ type: 'note-deadline', now: '2027-01-01T00:00:00Z' });
    story.vote('one', { by: { id: 'bob', roles: ['lead'] }, comment: 'mind the tests' });
    story.vote('one', { by: { id: 'eve', roles: [] } });
    story.vote('one', { by: { id: 'carol', roles: ['lead'] } });
    merged('one', 'c4');
    story.typesWhen({ type: 'pause', commandId: 'pause-1', reason: 'lunch' });
    story.typesWhen({ type: 'pause', commandId: 'pause-2' });
    story.typesWhen({ type: 'resume', commandId: 'resume-1' });
    story.end('two', { runId: story.runIdOf('two') });
    judged('three', 'green', 'c5');
    merged('three', 'c6');
    story.end('four', { runId: story.runIdOf('four') });
    story.typesWhen({ type: 'archive', commandId: 'archive-1' });
  },
  'denied and failed': (story) => {
    story.create(file(chained, { autonomy: 'manual', limits: { maxReworkCycles: 2 } }));
    story.attempt('one', 0.3);
    story.vote('one', { decision: 'rework', comment: 'once more' });
    story.attempt('one', 0.6);
    story.vote('one');
    story.end('two', { runId: story.runIdOf('two') });
    story.attempt('three', 1);
    story.vote('three', { decision: 'deny', comment: 'no' });
    story.vote('two');
  },
  'failed by its runs': (story) => {
    story.create(file(chained, { limits: { maxFailedSteps: 0 } }));
    const error = { kind: 'exit', code: 'exit_1', message: 'it ended with 1' } as const;
    story.end('one', { result: 'failed', error });
  },
  'planned by an agent, then planned anew': (story) => {
    const { chain: _, ...rest } = file(chained);
    const adapter = { kind: 'program' as const, argv: ['my-agent'] };
    const plan = planFor(
      DirectiveFile.parse({ ...rest, planner: { kind: 'agent', adapter, approval: true } }),
    );
    if ('issues' in plan) throw new Error(JSON.stringify(plan.issues));
    const how = { commandId: 'create-1', directiveId, contentDigest: `sha256:${'a'.repeat(64)}` };
    story.when({ type: 'create', ...how, ...plan, start: true });
    const made = (generation: number, attempt: number, steps: PlannedStep[]) => {
      const runId = `${directiveId}-g${generation}-${PLAN_STEP}-a${attempt}`;
      const ended = story.ended(PLAN_STEP, { runId });
      return story.typesWhen({ type: 'note-plan', ended, made: { steps } });
    };
    made(1, 1, []);
    made(1, 2, stepsOf(chained.slice(0, 2)));
    const [asked] = [...story.directive.approvals.values()];
    const { approvalId = '', digest = '' } = asked?.request ?? {};
    const vote = { approvalId, digest, verb: 'approve', decision: 'approve' } as const;
    const by = { by: { id: 'alice' }, now: '2026-01-01' };
    story.typesWhen({ type: 'vote', commandId: 'vote-plan', ...vote, ...by });
    story.end('one', { runId: story.runIdOf('one') });
    order(story, { type: 'replan', reason: 'learnt' });
    story.evaluate('one', 'green');
    made(1, 3, []);
    made(1, 4, stepsOf(chained));
    made(1, 5, []);
  },
  'told what to do again and again': (story) => {
    const limits = { maxFailedSteps: 0, maxReworkCycles: 0 };
    story.create(file([{ name: 'one' }, ...chained.slice(1)], { limits }));
    order(story, { type: 'amend', changes: { goal: 'Another goal' } });
    order(story, { type: 'pause', mode: 'cut', reason: 'now' });
    order(story, { type: 'add-step', step: stepsOf([{ name: 'five' }])[0] });
    order(story, { type: 'update-step', step: stepsOf([{ name: 'two', ...checked }])[0] });
    order(story, { type: 'resume' });
    story.end('one', { result: 'cancelled' });
    story.end('one', { runId: story.runIdOf('one'), result: 'failed' });
    order(story, { type: 'raise-limit', limits: { maxFailedSteps: 5 } });
    order(story, { type: 'resume' });
    order(story, { type: 'retry-step', step: 'one' });
    order(story, { type: 'skip-step', step: 'five' });
    order(story, { type: 'remove-step', step: 'four' });
    story.end('one', { runId: story.runIdOf('one') });
    const chain = { steps: stepsOf([{ name: 'one' }, { name: 'six', dependsOn: ['one'] }]) };
    order(story, { type: 'replan', chain });
    story.end('two');
    order(story, { type: 'rollback', step: 'one' });
  },
  'stopped in the middle': (story) => {
    story.create(file(chained, { limits: { maxWallTimeMinutes: 1 } }));
    story.end('one');
    const now = '2027-01-01T00:00:00Z';
    const since = story.directive.movingSince ?? '';
    story.typesWhen({ type: 'note-time', now, since });
    story.typesWhen({ type: 'stop', commandId: 'stop-1', reason: 'enough' });
  },
};

const told = (name: string, story = new Story()) => {
  stories[name]?.(story);
  return story;
};

interface Golden {
  readonly shape: number;
  /** `written`: of the last state; `states`: digests of what is written after each event. */
  readonly histories: Readonly<
    Record<string, { events: RecordedEvent[]; states: string[]; written: unknown }>
  >;
}

const path = join(__dirname, 'golden', 'directive-snapshots.json');
const golden: Golden = existsSync(path)
  ? (JSON.parse(readFileSync(path, 'utf8')) as Golden)
  : { shape: 0, histories: {} };

function foldedStates(events: readonly RecordedEvent[]): DirectiveState[] {
  let state = directiveDecider.initial;
  return events.map((event) => (state = directiveDecider.evolve(state, event)));
}

function now(): Golden {
  const names = [...new Set([...Object.keys(golden.histories), ...Object.keys(stories)])];
  const histories = names.map((name) => {
    const events = golden.histories[name]?.events ?? told(name).events;
    const texts = foldedStates(events).map(textOf);
    const states = texts.map((text) => createHash('sha256').update(text).digest('hex'));
    const written: unknown = JSON.parse(texts.at(-1) ?? 'null');
    return [name, { events, states: states.map((it) => it.slice(0, 16)), written }] as const;
  });
  return { shape, histories: Object.fromEntries(histories) };
}

it('folds stored histories to the states that were written under the same shape', () => {
  const found = now();
  if (process.env['WRIT_GOLDEN'] === 'write') {
    const known = Object.keys(golden.histories);
    const isSame = known.every(
      (name) => canonicalJson(golden.histories[name]) === canonicalJson(found.histories[name]),
    );
    if (!isSame && shape <= golden.shape) throw new Error('states have changed: raise SHAPE first');
    writeFileSync(path, `${JSON.stringify(found, null, 1)}\n`);
    return;
  }
  // When this fails, see the head of this file.
  expect(JSON.parse(JSON.stringify(found))).toEqual(golden);
});

describe.each(Object.entries(now().histories))('of %s, a snapshot', (name, { events }) => {
  const states = foldedStates(events);

  it('is read back as what was written, after every event', () => {
    for (const state of states) {
      const back = again(state);
      expect(textOf(back)).toBe(textOf(state));
      expect(directiveDocument(back as Directive)).toEqual(directiveDocument(state as Directive));
      expect(workOf(back as Directive)).toEqual(workOf(state as Directive));
    }
  });

  it('folds on to the same state, wherever it was taken', () => {
    const last = textOf(states.at(-1) ?? directiveDecider.initial);
    states.forEach((state, at) => {
      const rest = events.slice(at + 1);
      expect(
        textOf(rest.reduce((it, event) => directiveDecider.evolve(it, event), again(state))),
      ).toBe(last);
    });
  });

  it('decides as the state itself does', () => {
    if (stories[name] === undefined) return;
    expect(told(name, new Forgetful()).events).toEqual(told(name).events);
  });
});

describe('a snapshot', () => {
  it('holds members of the state that came later, without a word about them', () => {
    const state = { ...told('a draft').state, purse: { left: 3 }, seats: new Map([['a', 1]]) };
    const back = again(state) as unknown as typeof state;
    expect([back.purse, back.seats]).toEqual([{ left: 3 }, new Map([['a', 1]])]);
  });

  it('refuses a member that would be lost', () => {
    for (const odd of [new Set(['a']), new Date(0), () => 1]) {
      const state = { ...told('a draft').state, odd } as unknown as DirectiveState;
      expect(() => write(state)).toThrow('member odd');
    }
  });

  it('holds nothing in its members that JSON would lose', () => {
    const plainOnly = (value: unknown, at: string): void => {
      if (typeof value !== 'object' || value === null) return;
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== Array.prototype)
        throw new Error(`${at} is neither plain nor a member of the state itself`);
      for (const [name, inner] of Object.entries(value)) plainOnly(inner, `${at}.${name}`);
    };
    for (const name of Object.keys(stories)) {
      for (const state of foldedStates(told(name).events)) {
        for (const [member, value] of Object.entries(state) as [string, unknown][]) {
          const parts = isIterable(value) ? [...value] : [value];
          for (const part of parts) plainOnly(part, member);
        }
      }
    }
  });

  it.each(['', '{"plain":{}}', '[]', '{"plain":{},"maps":{"answers":3},"chains":{}}'])(
    'is not read out of %j',
    (text) => expect(() => read(text)).toThrow(),
  );
});

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.iterator in value;
