/**
 * Why a directive, a step, a run of it or an approval is as it is, and what would change that: the
 * causes in plain words, each with the command that unblocks it, if there is one. Pure: what the
 * state does not say comes as `Surroundings`.
 *
 * Y1 Every status of a directive has its words: another one is an error of the compiler until it has.
 * Y2 Whatever waits names at least one cause.
 */
import {
  directiveIdOf,
  finalStatuses,
  PLAN_STEP,
  subjects,
  type Because,
  type DirectiveStatus,
  type Why,
} from '@writ/contracts';
import { isPending } from './approvals';
import { isActive, isIdle, type StepState } from './chain';
import type { Directive } from './directive-state';
import { workOf } from './directive-work';
import { waysOut } from './ways-out';
import {
  because,
  becauseOfApproval,
  inQueue,
  line,
  rootsOf,
  wayOutOf,
  whyRunning,
  whyStepIs,
  type Surroundings,
} from './why-step';

export type { Queue, Surroundings } from './why-step';

/** More causes than anybody reads. */
const MOST = 20;

type Words = (state: Directive, around: Surroundings) => Because[];

/** Y1 */
const words: Readonly<Record<DirectiveStatus, Words>> = {
  draft: ({ id, createdAt }) => [
    because('draft', 'it was submitted and not started', createdAt, waysOut.start(id)),
  ],
  planning,
  awaiting_approval: (state) => {
    const causes = asked(state);
    return causes.length > 0 ? causes : [because('approval', 'its plan waits for a person', null)];
  },
  active: underWay,
  paused: (state, around) => [
    because('paused', `it is paused${reasonOf(state)}`, null, waysOut.resume(state.id)),
    ...state.chain.active().flatMap((step) => whyStepIs(state, step, around)),
    ...asked(state),
  ],
  suspended: (state, around) => [
    because(
      state.suspension?.kind ?? 'suspended',
      `it is suspended${reasonOf(state)}`,
      state.suspension?.since ?? null,
      wayOutOf(state),
    ),
    ...state.chain.failed().flatMap((step) => whyStepIs(state, step, around)),
    ...state.chain.active().flatMap((step) => whyStepIs(state, step, around)),
    ...asked(state),
  ],
  completed: (state) => {
    const steps = [...state.chain];
    const skipped = steps.filter(({ status }) => status === 'skipped').length;
    const but = skipped === 0 ? '' : `, save ${skipped} that were skipped`;
    const text = `each of its ${steps.length} steps has passed${but}`;
    const open = state.criteria.filter(({ met }) => met !== true);
    const unmet = open.map(({ id, met }) =>
      because(
        'criterion',
        met === null ? `no step speaks of criterion ${id}` : `criterion ${id} is not met`,
        state.completedAt,
      ),
    );
    return [because('completed', text, state.completedAt), ...unmet];
  },
  failed: (state, around) => [
    because('failed', `it failed${reasonOf(state)}`, state.completedAt, waysOut.fork(state.id)),
    ...state.chain.failed().flatMap((step) => whyStepIs(state, step, around)),
  ],
  stopped: (state) => [
    because(
      'stopped',
      `it was stopped${reasonOf(state)}`,
      state.completedAt,
      waysOut.fork(state.id),
    ),
  ],
  archived: (state, around) => [
    because('archived', 'it was put away', state.completedAt),
    ...(state.completedAt === null
      ? []
      : state.chain.failed().flatMap((step) => whyStepIs(state, step, around))),
  ],
};

/** The workspace first, then the plan. */
function planning(state: Directive, around: Surroundings): Because[] {
  const { spec, workspace, startedAt, planning: due } = state;
  if (spec.workspace.kind !== 'none' && workspace === null) {
    const missing = inQueue(around, subjects.work('workspace'), 'an executor', startedAt);
    const text = `its ${spec.workspace.kind} workspace is being prepared`;
    return [missing ?? because('workspace', text, startedAt)];
  }
  const { kind, adapter } = spec.planner;
  if (due === null) return [because('plan', `its chain is planned (planner "${kind}")`, startedAt)];
  const issues = due.issues ?? [];
  const wrong = issues.map(({ message }) => because('issue', line(message), due.since));
  if (due.runId === undefined || adapter === undefined) {
    const text = 'it waits until somebody submits a plan';
    return [because('plan', text, due.since, waysOut.submitPlan(state.id)), ...wrong];
  }
  return [...whyRunning(around, due.runId, adapter.kind, 'the plan', due.since), ...wrong];
}

const reasonOf = ({ reason }: Directive) => (reason === null ? '' : `: ${line(reason)}`);

/** What is under way, and what is ready and waits for its turn; not what waits for those. */
function underWay(state: Directive, around: Surroundings): Because[] {
  const steps = [...state.chain];
  const causes = steps
    .filter((step) => isActive(step) || step.status === 'awaiting_approval')
    .flatMap((step) => whyStepIs(state, step, around));
  const [ready] = state.chain.ready();
  return ready === undefined ? causes : [...causes, ...whyStepIs(state, ready, around)];
}

const asked = (state: Directive): Because[] =>
  [...state.approvals.values()].filter(isPending).flatMap((it) => becauseOfApproval(it));

/** The streams and subjects that `why` wants to know of: see `Surroundings`. */
export function askedAround(state: Directive): { streams: string[]; subjects: string[] } {
  const due = workOf(state);
  const runs = due.map(({ stream }) => stream).filter((stream) => stream.startsWith('run-'));
  return { streams: runs, subjects: [...new Set(due.map(({ subject }) => subject))] };
}

/** Of a directive, or of a step, run or approval of it; undefined when it has none of this id. */
export function whyIs(state: Directive, id: string, around: Surroundings): Why | undefined {
  if (id === state.id) {
    return why(id, state.status, words[state.status](state, around));
  }
  const approval = state.approvals.get(id);
  if (approval !== undefined) return why(id, approval.status, becauseOfApproval(approval));
  if (directiveIdOf(id) !== state.id) return undefined;
  const own = ofChain(id.slice(state.id.length + 1));
  if (own === undefined) return undefined;
  if (isOfPlan(own.name)) return ofPlan(state, id, around);
  if (own.generation !== state.generation) {
    if (own.generation < 1 || own.generation > state.generation) return undefined;
    const text = `it belongs to chain ${own.generation}, and chain ${state.generation} has taken its place`;
    return why(id, 'superseded', [because('superseded', text, null, waysOut.show(state.id))]);
  }
  const step = state.chain.get(own.name);
  if (step !== undefined) return why(id, step.status, ofStep(state, step, around));
  return ofRun(state, id, own.name, around);
}

const isOfPlan = (name: string) => name.startsWith(`${PLAN_STEP}-a`);

/** A run that plans belongs to no chain. */
function ofPlan(state: Directive, id: string, around: Surroundings): Why {
  if (state.planning?.runId === id) return why(id, 'running', planning(state, around));
  const text = 'it was to make a plan, and nobody waits for that any more';
  return why(id, 'superseded', [because('superseded', text, null, waysOut.show(state.id))]);
}

/** `g<generation>-<name>` */
function ofChain(rest: string): { generation: number; name: string } | undefined {
  const [, generation, name] = /^g(\d{1,6})-(.+)$/.exec(rest) ?? [];
  return name === undefined ? undefined : { generation: Number(generation), name };
}

function ofStep(state: Directive, step: StepState, around: Surroundings): Because[] {
  const own = whyStepIs(state, step, around);
  if (!isIdle(step) || step.waitsFor === 0) return own;
  const roots = rootsOf(state, step);
  const unsaid = roots.flatMap((root) => whyStepIs(state, root, around));
  const stands =
    finalStatuses.includes(state.status) || state.status === 'active'
      ? []
      : words[state.status](state, around).slice(0, 1);
  return [...own, ...unsaid, ...stands];
}

/** `<name>-a<attempt>` */
function ofRun(state: Directive, id: string, rest: string, around: Surroundings): Why | undefined {
  const [, name = '', number] = /^(.+)-a(\d{1,6})$/.exec(rest) ?? [];
  const step = state.chain.get(name);
  if (step === undefined || Number(number) > step.attempt || Number(number) < 1) return undefined;
  if (step.runId === id) return why(id, step.status, ofStep(state, step, around));
  const text = `it was attempt ${number} at step "${name}", which was sent back; the latest is attempt ${step.attempt}`;
  return why(id, 'superseded', [because('superseded', text, null)]);
}

/** Steps that wait in one queue have one cause. */
function why(id: string, state: string, causes: readonly Because[]): Why {
  const byText = new Map(causes.map((it) => [`${it.kind} ${it.text}`, it]).reverse() as Entries);
  const all = [...byText.values()].reverse();
  if (all.length <= MOST) return { id, state, because: all };
  const show = waysOut.show(id.split('-', 1)[0] ?? id);
  const more = because('more', `and ${all.length - MOST + 1} more; "${show}" has all`, null);
  return { id, state, because: [...all.slice(0, MOST - 1), more] };
}

type Entries = [string, Because][];
