import * as fc from 'fast-check';
import { approvalIdOf, type DirectiveEventData } from '@writ/contracts';
import { storyFile as file, storyId as id, DirectiveStory as Story } from '@writ/testing';
import { directiveDocument } from './directive-documents';
import type { DirectiveCommand } from './directive-command';
import { workOf } from './directive-work';

describe('whatever happens', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  /** What helps a directive on comes more often, or few would come far. */
  const happening = fc.constantFrom(
    ...['end', 'end', 'end', 'end', 'end', 'end', 'green', 'green', 'merged', 'merged', 'prepared'],
    ...['fail', 'late', 'yellow', 'red', 'red', 'conflict', 'refused'],
    ...['approve', 'approve', 'approve', 'deny', 'rework'],
    ...['start', 'pause', 'cut', 'resume', 'resume', 'stop', 'archive'],
    ...['skip', 'retry', 'update', 'add', 'remove', 'replan', 'raise', 'amend'],
  );

  /** Orders with something to say. Each is of a step that may or may not be there. */
  function orderOf(what: string, step: string, at: number): object | undefined {
    const planned = (name: string, more: object = {}) =>
      file([{ name, description: `of ${at}`, ...more }]).chain!.steps[0]!;
    switch (what) {
      case 'cut':
        return { type: 'pause', mode: 'cut' };
      case 'skip':
        return { type: 'skip-step', step };
      case 'retry':
        return { type: 'retry-step', step };
      case 'update':
        return { type: 'update-step', step: planned(step) };
      case 'add':
        return { type: 'add-step', step: planned(`more-${at}`, { dependsOn: [step] }) };
      case 'remove':
        return { type: 'remove-step', step };
      case 'replan': {
        const steps = ['a', 'b', 'c'].map((name) => ({ name }));
        const changed = { name: 'd', dependsOn: [at % 2 === 0 ? 'a' : 'b'], description: `${at}` };
        return { type: 'replan', chain: file([...steps, changed]).chain };
      }
      case 'raise':
        return { type: 'raise-limit', limits: { maxFailedSteps: 3 + at } };
      case 'amend':
        return { type: 'amend', changes: { goal: `Goal ${at}` } };
      default:
        return undefined;
    }
  }

  /** `runs`: of whom each news was, which comes twice. */
  function tell(
    story: Story,
    what: string,
    step: string,
    at: number,
    runs: Map<string, string>,
  ): string[] {
    const runId = runs.get(`${step} ${at}`) ?? story.runIdOf(step);
    runs.set(`${step} ${at}`, runId);
    const about = { directiveId: id, runId, step };
    const commit = { commit: `c${at}` };
    switch (what) {
      case 'end':
        return story.end(step, { runId, ...(story.directive.workspace === null ? {} : commit) });
      case 'fail':
        return story.end(step, { runId, result: at % 2 === 0 ? 'failed' : 'cancelled' });
      case 'late':
        return story.end(step, { runId: `${id}-g1-${step}-a9` });
      case 'approve':
      case 'deny':
      case 'rework': {
        const approvalId = approvalIdOf(runId);
        const digest = story.directive.approvals.get(approvalId)?.request.digest ?? '';
        const verb = what === 'approve' ? what : 'deny';
        const said = { approvalId, digest, verb, decision: what } as const;
        const voter = { by: { id: 'alice' }, now: '2026-01-01T00:00:00Z' };
        return story.typesWhen({ type: 'vote', commandId: `vote-${at}`, ...said, ...voter });
      }
      case 'green':
      case 'yellow':
      case 'red':
        return story.evaluate(step, what, runId);
      case 'merged':
        return story.workspace({ type: 'StepMerged', data: { ...about, ...commit } });
      case 'conflict': {
        const data = { ...about, paths: ['x'], message: 'x differs' };
        return story.workspace({ type: 'StepMergeConflicted', data });
      }
      case 'prepared': {
        const data = { directiveId: id, kind: 'git', path: '/r', baseCommit: 'c0' } as const;
        return story.workspace({ type: 'WorkspacePrepared', data });
      }
      case 'refused': {
        const data = { directiveId: id, code: 'no', message: 'it is none' };
        return story.workspace({ type: 'WorkspaceRefused', data });
      }
      default: {
        const order = orderOf(what, step, at) ?? { type: what };
        return story.typesWhen({ ...order, commandId: `command-${at % 23}` } as DirectiveCommand);
      }
    }
  }

  /** What must hold in every state; the chain keeps counts, here they are counted. */
  function check({ directive }: Story, limits: { maxParallelSteps: number }): void {
    const steps = [...directive.chain];
    const of = (...some: string[]) => steps.filter(({ status }) => some.includes(status));
    const passed = new Set(of('passed', 'skipped').map(({ spec }) => spec.name));
    const waits = (dependsOn: string[]) => dependsOn.filter((name) => !passed.has(name)).length;
    const active = of('running', 'evaluating', 'merging');
    const ready = of('pending', 'rework', 'stale').filter(
      ({ spec }) => waits(spec.dependsOn) === 0,
    );
    const waiting = of('awaiting_approval');
    const failed = steps.filter((it) => it.status === 'failed' || it.failure !== null);
    expect(steps.map(({ waitsFor }) => waitsFor)).toEqual(
      steps.map(({ spec }) => waits(spec.dependsOn)),
    );
    expect(directive.chain.tally).toEqual({
      ready: ready.length,
      active: active.length,
      failed: failed.length,
      waiting: waiting.length,
    });
    expect(directive.chain.active()).toEqual(active);
    expect(directive.chain.failed()).toEqual(failed);
    expect([...directive.chain.ready()]).toEqual(ready);
    expect(active.length).toBeLessThanOrEqual(limits.maxParallelSteps);
    const { status } = directive;
    if (status === 'completed') expect(passed.size).toBe(steps.length);
    if (status === 'suspended') expect(directive.suspension?.wayOut).toContain('writ');
    if (status === 'active') {
      expect(active.length + waiting.length + directive.ending.size).toBeGreaterThan(0);
    }
    const ending = [...directive.ending.values()].map(({ step }) => step.spec.name);
    expect(active.filter(({ spec }) => ending.includes(spec.name))).toEqual([]);
    const asked = [...directive.approvals.values()].filter((it) => it.status === 'pending');
    expect(asked.map(({ request }) => request.step).sort()).toEqual(
      waiting.map(({ spec }) => spec.name).sort(),
    );
    if (['completed', 'failed', 'stopped', 'archived'].includes(status)) {
      expect(active.length + of('pending', 'rework', 'awaiting_approval').length).toBe(0);
    }
    expect(workOf(directive).filter(({ id: item }) => !item.endsWith('-prepare'))).toHaveLength(
      ['completed', 'failed', 'stopped', 'archived'].includes(status)
        ? 0
        : active.length + directive.ending.size,
    );
  }

  it('folds to a sound state, ends at most once, and never starts before its dependencies', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(happening, fc.constantFrom(...names)), { maxLength: 60 }),
        fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
        fc.record({ maxParallelSteps: fc.integer({ min: 1, max: 3 }), maxFailedSteps: fc.nat(2) }),
        fc.boolean(),
        (happenings, edges, limits, inGit) => {
          let edge = 0;
          const steps = names.map((name, at) => ({
            name,
            dependsOn: names.slice(0, at).filter(() => edges[edge++] ?? false),
            ...(at % 2 === 0 ? {} : { verify: [{ kind: 'files', paths: ['x'] }] }),
          }));
          const workspace = inGit ? { kind: 'git', repository: '/r' } : { kind: 'none' };
          const story = new Story();
          story.create(file(steps, { limits, workspace }));
          const passed = new Set<string>();
          const started = new Set<string>();
          const runs = new Map<string, string>();
          happenings.forEach(([what, step], at) => {
            const before = story.directive;
            const shown = JSON.stringify(directiveDocument(before));
            const from = story.events.length;
            const happened = tell(story, what, step, at, runs);
            // Deciding changes nothing, and the same news again changes nothing either.
            expect(JSON.stringify(directiveDocument(before))).toBe(shown);
            if (!happened.includes('CommandRefused')) {
              const again = tell(story, what, step, at, runs);
              expect(again.filter((it) => !/refused/i.test(it))).toEqual([]);
            }
            for (const { type, data } of story.events.slice(from)) {
              const name = (data as { step: string }).step;
              if (type === 'StepPassed' || type === 'StepSkipped') passed.add(name);
              if (type === 'StepReopened') passed.delete(name);
              if (type === 'ChainActivated') {
                const { changes } = data as DirectiveEventData<'ChainActivated'>;
                passed.clear();
                for (const kept of changes?.kept ?? []) passed.add(kept);
              }
              if (type !== 'StepStarted') continue;
              expect(['planning', 'active', 'paused', 'suspended']).toContain(before.status);
              if (before.status === 'paused') expect(what).toBe('resume');
              const spec = story.directive.chain.get(name)?.spec;
              expect(spec?.dependsOn.every((it) => passed.has(it))).toBe(true);
              const { runId } = data as { runId: string };
              expect(started.has(runId)).toBe(false);
              started.add(runId);
            }
            check(story, limits);
          });
          const types = story.events.map((event) => event.type);
          const ends = types.filter((it) => /^Directive(Completed|Failed|Stopped)$/.test(it));
          expect(ends.length).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 300 },
    );
  });
});
