import * as fc from 'fast-check';
import {
  DirectiveFile,
  directiveStatuses,
  finalStatuses,
  stepStatuses,
  type RecordedEvent,
  type Why,
} from '@writ/contracts';
import { DirectiveStory, storyFile, storyId as id, type StoryStep } from '@writ/testing';
import { legalFrom } from './directive-orders';
import type { Directive } from './directive-state';
import { planFor } from './plan-for';
import { askedAround, whyIs, type Surroundings } from './why';

const nothing: Surroundings = { queues: new Map(), last: new Map() };
const around = (more: Partial<Surroundings>): Surroundings => ({ ...nothing, ...more });
const story = (steps: StoryStep[], more: Record<string, unknown> = {}, start = true) => {
  const made = new DirectiveStory();
  made.create(storyFile(steps, more), { start });
  return made;
};
const two: StoryStep[] = [{ name: 'one' }, { name: 'two', dependsOn: ['one'] }];
const why = (it: { directive: Directive }, of = id, more = nothing) =>
  whyIs(it.directive, of, more) as Why;
const texts = (it: Why) => it.because.map(({ text }) => text).join('\n');
const unblocks = (it: Why) => it.because.map(({ unblock }) => unblock);

/** In a status that no story leads to by itself, all else as it was. */
const asIf = (status: Directive['status']) => {
  const { directive } = story(two);
  return { directive: { ...directive, status } };
};

it.each(directiveStatuses)('has words for a directive that is %s', (status) => {
  expect(why(asIf(status))).toMatchObject({ id, state: status });
  expect(why(asIf(status)).because[0]?.text).toMatch(/\w+ /);
});

it.each(stepStatuses)('has words for a step that is %s', (status) => {
  const made = story([{ name: 'one' }], { autonomy: 'manual' });
  made.end('one');
  const { directive } = made;
  const step = { ...directive.chain.get('one')!, status };
  const found = why(
    { directive: { ...directive, chain: directive.chain.with(step) } },
    `${id}-g1-one`,
  );
  expect(found.state).toBe(status);
  expect(found.because[0]?.text).toContain('"one"');
});

it('names the command that goes on', () => {
  expect(unblocks(why(story(two, {}, false)))).toEqual([`writ start ${id}`]);
  const paused = story(two);
  paused.typesWhen({ type: 'pause', commandId: 'p', reason: 'the budget\nis  spent' });
  const found = why(paused);
  expect(found.because[0]).toMatchObject({
    ...{ kind: 'paused', text: 'it is paused: the budget is spent', unblock: `writ resume ${id}` },
  });
});

it('says that nobody takes the work, or that it waits for its turn', () => {
  const made = story(two);
  const queues = (waiting: number, inHands: number) =>
    around({ queues: new Map([['writ.work.echo', { waiting, inHands }]]) });
  expect(askedAround(made.directive)).toEqual({
    ...{ streams: [`run-${id}-g1-one-a1`], subjects: ['writ.work.echo'] },
  });
  const [missing] = why(made, id, queues(1, 0)).because;
  expect(missing).toMatchObject({ kind: 'nobody_listens', unblock: 'writ doctor' });
  expect(missing?.text).toContain('an executor of "echo" is missing');
  expect(texts(why(made, id, queues(7, 2)))).toContain('7 pieces of work wait');
  expect(texts(why(made, id, queues(0, 0)))).toContain('none has told of it yet');
});

it('says who runs a step since when, and how its tries went', () => {
  const made = story(two);
  const last = (type: string, data: object) => {
    const event = { type, data, recordedAt: '2026-01-01T12:00:00Z' } as unknown as RecordedEvent;
    return around({ last: new Map([[`run-${id}-g1-one-a1`, event]]) });
  };
  const claimed = why(made, `${id}-g1-one`, last('RunClaimed', { executorId: 'e7', claim: 2 }));
  expect(claimed).toMatchObject({ state: 'running', because: [{ since: '2026-01-01T12:00:00Z' }] });
  expect(texts(claimed)).toContain('runs on e7 (claim 2: the executor before it was lost)');
  const attempt = { attempt: 1, error: { message: 'rate limit' }, retryInMs: 700 };
  expect(texts(why(made, id, last('RunAttemptFailed', { attempt })))).toContain(
    'tried again after 700 ms: try 1 did not succeed: rate limit',
  );
});

it('names the way out of a suspension, and what led to it', () => {
  const made = story([...two, { name: 'three' }], { limits: { maxFailedSteps: 0 } });
  made.end('one', { result: 'failed' });
  const found = why(made);
  expect(found).toMatchObject({
    state: 'suspended',
    because: [{ kind: 'failed_steps' }, {}, {}, {}],
  });
  expect(found.because[0]?.unblock).toContain(`writ raise-limit ${id} --max-failed-steps N`);
  expect(texts(found)).toContain('step "one" did not pass');
  expect(texts(found)).toContain('step "three"');
});

it('says what holds the key, and how full a group is', () => {
  const key = { concurrencyKey: 'db' };
  const keyed = story([
    { name: 'one', ...key },
    { name: 'two', ...key },
  ]);
  expect(texts(why(keyed, `${id}-g1-two`))).toContain(
    'waits for step "one", which holds the key "db"',
  );
  const steps = ['one', 'two'].map((name) => ({ name, group: 'slow' }));
  const grouped = story(steps, { limits: { groups: { slow: 1 } } });
  expect(texts(why(grouped, `${id}-g1-two`))).toContain(
    '1 steps of group "slow" run, and it may have 1',
  );
});

it('goes on behind what was skipped', () => {
  const made = story([...two, { name: 'three' }], { limits: { maxFailedSteps: 5 } });
  made.end('one', { result: 'failed' });
  made.typesWhen({ type: 'skip-step', commandId: 's', step: 'one' });
  expect(why(made, `${id}-g1-one`)).toMatchObject({
    state: 'skipped',
    because: [{ kind: 'skipped' }],
  });
});

it('says what plans it, what was wrong with the plan before, and who is asked about it', () => {
  const adapter = { kind: 'program', argv: ['my-agent'] };
  const planner = { kind: 'agent', adapter, approval: true };
  const plan = planFor(DirectiveFile.parse({ title: 't', goal: 'g', planner }));
  if ('issues' in plan) throw new Error('it has issues');
  const made = new DirectiveStory();
  const about = { commandId: 'c', directiveId: id, contentDigest: `sha256:${'a'.repeat(64)}` };
  made.when({ type: 'create', ...about, ...plan, start: true });
  const { steps } = storyFile([{ name: 'one', dependsOn: ['none'] }]).chain!;
  const runId = (attempt: number) => `${id}-g1-writ-plan-a${attempt}`;
  const note = (attempt: number, own: typeof steps) => {
    const ended = made.ended('writ-plan', { runId: runId(attempt) });
    return made.typesWhen({ type: 'note-plan', ended, made: { steps: own } });
  };
  note(1, steps);
  const found = why(made, runId(2));
  expect(found).toMatchObject({ state: 'running', because: [{ kind: 'run' }, { kind: 'issue' }] });
  expect(texts(found)).toContain('the plan was given to the executors of "program"');
  expect(texts(found)).toContain('none');
  expect(why(made).because).toEqual(found.because);
  expect(askedAround(made.directive).streams).toEqual([`run-${runId(2)}`]);
  expect(why(made, runId(1))).toMatchObject({ state: 'superseded' });
  note(2, storyFile([{ name: 'one' }]).chain!.steps);
  const asked = why(made);
  expect(asked).toMatchObject({ state: 'awaiting_approval', because: [{ kind: 'approval' }] });
  expect(texts(asked)).toContain('the plan waits for a person: a plan of one step');
  const [approval] = [...made.directive.approvals.keys()];
  expect(unblocks(asked)[0]).toContain(`writ approve ${approval} --digest sha256:`);
});

it('goes back along the chain to what somebody can change', () => {
  const steps = [...two, { name: 'three', dependsOn: ['two'] }];
  const made = story(steps, { autonomy: 'manual', approvals: { roles: ['lead'], quorum: 2 } });
  made.end('one');
  made.vote('one', { by: { id: 'bob', roles: ['lead'] }, comment: 'fine' });
  const found = why(made, `${id}-g1-three`);
  const { approvalId, digest } = made.approval('one').request;
  expect(found).toMatchObject({
    state: 'pending',
    because: [
      { kind: 'dependency', text: 'step "three" needs "two" (pending)' },
      { kind: 'approval', unblock: `writ approve ${approvalId} --digest ${digest}` },
      { kind: 'vote', text: 'bob said approve: fine' },
    ],
  });
  expect(found.because[1]?.text).toContain('waits for lead, 1 of 2 have approved');
  expect(why(made, approvalId)).toMatchObject({ state: 'pending', because: [{}, {}] });
  expect(why(made, `${id}-g1-one-a1`)).toMatchObject({ state: 'awaiting_approval' });
});

it('says why a step failed, what that blocks, and how it is tried again', () => {
  const made = story([...two, { name: 'three' }]);
  const error = { kind: 'exit' as const, code: 'exit_3', message: 'it ended with 3' };
  made.end('one', { result: 'failed', error });
  expect(why(made, `${id}-g1-one`).because).toMatchObject([
    {
      kind: 'run',
      text: 'step "one" did not pass: it ended with 3',
      unblock: `writ retry ${id} one`,
    },
    { unblock: `writ logs ${id}-g1-one-a1` },
  ]);
  expect(texts(why(made, `${id}-g1-two`))).toMatch(
    /needs "one", which did not pass\n.*ended with 3/,
  );
});

it('says which limit a step waits for', () => {
  const made = story([{ name: 'one' }, { name: 'two' }], { limits: { maxParallelSteps: 1 } });
  expect(texts(why(made, `${id}-g1-two`))).toContain('1 steps run, and maxParallelSteps is 1');
});

it('says what has taken the place of a run or a chain, and knows no other', () => {
  const made = story([{ name: 'one', verify: [{ kind: 'files', paths: ['x'] }] }]);
  made.attempt('one', 0.5);
  expect(why(made, `${id}-g1-one-a1`)).toMatchObject({ state: 'superseded' });
  expect(why(made, `${id}-g1-one-a2`)).toMatchObject({ state: 'running' });
  const later = { directive: { ...made.directive, generation: 2 } };
  expect(why(later, `${id}-g1-one`)).toMatchObject({ state: 'superseded' });
  for (const other of ['-g1-none', '-g1-one-a3', '-g2-one', '-g0-one', '-x', '']) {
    expect(
      whyIs(made.directive, `abcdefgh1234567${other === '' ? '9' : `8${other}`}`, nothing),
    ).toBeUndefined();
  }
});

it('a step may be named like a run', () => {
  const made = story([{ name: 'one-a1' }, { name: 'two', dependsOn: ['one-a1'] }]);
  expect(why(made, `${id}-g1-one-a1`)).toMatchObject({ state: 'running' });
  expect(why(made, `${id}-g1-one-a1-a1`)).toMatchObject({ state: 'running' });
});

it('whatever waits names at least one cause', () => {
  const happening = fc.constantFrom(
    'end',
    'red',
    'fail',
    'vote',
    'deny',
    'pause',
    'resume',
    'stop',
  );
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 20 }), (all) => {
      const verify = [{ kind: 'files', paths: ['x'] }];
      const made = story([...two, { name: 'three', verify }], { autonomy: 'manual' });
      for (const [at, what] of all.entries()) {
        const [step] = [...made.directive.chain].filter((it) => !/passed|blocked/.test(it.status));
        const name = step?.spec.name ?? 'one';
        const asked = step?.status === 'awaiting_approval';
        if (what === 'end') made.end(name, { runId: made.runIdOf(name) });
        else if (what === 'fail') made.end(name, { runId: made.runIdOf(name), result: 'failed' });
        else if (what === 'red') made.evaluate(name, 'red');
        else if (asked && what === 'vote') made.vote(name, { commandId: `v${at}` });
        else if (asked && what === 'deny')
          made.vote(name, { decision: 'deny', commandId: `v${at}` });
        else if (/pause|resume|stop/.test(what)) {
          made.typesWhen({ type: what as 'pause', commandId: `c${at}` });
        }
        const { directive } = made;
        expect(why(made).because.length).toBeGreaterThan(0);
        for (const { spec, status } of directive.chain) {
          const found = why(made, `${id}-g${directive.generation}-${spec.name}`);
          expect([found.state, found.because.length > 0]).toEqual([status, true]);
        }
        for (const unblock of unblocks(why(made))) {
          const [, verb = ''] = /^writ (start|resume|retry)/.exec(unblock ?? '') ?? [];
          if (verb === '') continue;
          const legal = legalFrom[verb === 'retry' ? 'retry-step' : (verb as 'start')];
          expect([verb, legal.includes(directive.status)]).toEqual([verb, true]);
        }
        if (!finalStatuses.includes(directive.status)) {
          expect(texts(why(made))).not.toContain('undefined');
        }
      }
    }),
    { numRuns: 200 },
  );
});

it('is short where a thousand steps wait', () => {
  const steps = Array.from({ length: 1_000 }, (_, at) => ({ name: `s${at}` }));
  const made = story(steps, { limits: { maxParallelSteps: 1_000 } });
  const found = why(made);
  expect(found.because).toHaveLength(20);
  expect(found.because.at(-1)?.text).toBe(`and 981 more; "writ show ${id}" has all`);
});
