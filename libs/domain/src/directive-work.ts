/**
 * Which work a directive's state asks for: the messages that its steps and its workspace need. The
 * same function serves right after a commit and, later, the reconciler that rings again.
 */
import {
  detectedWhats,
  directiveIdOf,
  runIdOf,
  subjects,
  type Check,
  type DirectiveEvent,
  type EvaluateWork,
  type RunWork,
  type WorkspaceWork,
} from '@writ/contracts';
import { machineChecks } from './ask-people';
import { reservedFor } from './budget';
import { isActive, type StepState } from './chain';
import { namesCriterion } from './checks-of-step';
import { isFinal, type Directive } from './directive-state';
import { planningWork } from './planning-work';
import { rollbackWork } from './rollback';
import { longestRetryDelayMs } from './run';
import { stepsAhead } from './steps-ahead';

export interface WorkItem {
  readonly subject: string;
  readonly type: 'writ.work' | 'writ.evaluate';
  readonly data: RunWork | EvaluateWork | WorkspaceWork;
  /** One for each piece of work: sending it twice within a short time has no effect. */
  readonly id: string;
  /** The stream in which it shows that the work is done. */
  readonly stream: string;
  /** Since when it is due (database time). */
  readonly since: string;
  /** Once begun it may take so long, with all its tries. */
  readonly limitMs: number;
}

/** What git may take; of a check, what it takes when nothing is said. */
const USUAL_LIMIT_MS = 600_000;

/** At most so many steps go with a step's work as those that may follow it at once. Default 0. */
export interface WorkOptions {
  readonly next?: number;
}

/** Everything that is under way or should be. */
export function workOf(state: Directive, options: WorkOptions = {}): WorkItem[] {
  if (isFinal(state.status)) return [];
  const steps = state.chain.active().map((step) => workOfStep(state, step, options));
  // Who hears of a cancelled run that nobody has begun ends it.
  const ending = [...state.ending.values()].map(({ step, generation }) =>
    workOfStep({ ...state, generation }, step, {}),
  );
  const others = [planningWork(state), rollingBack(state)].filter((it) => it !== undefined);
  return [...(preparation(state) ?? []), ...steps, ...ending, ...others];
}

/** The work that these events, the last ones of the state, have made due. */
export function workAfter(
  state: Directive,
  events: readonly DirectiveEvent[],
  options: WorkOptions = {},
): WorkItem[] {
  if (isFinal(state.status)) return [];
  const due: WorkItem[] = [];
  for (const event of events) {
    if (event.type === 'DirectiveStarted') due.push(...(preparation(state) ?? []));
    if (event.type === 'RollbackStarted') due.push(...[rollingBack(state) ?? []].flat());
    if (event.type === 'PlanningStarted') due.push(...[planningWork(state) ?? []].flat());
    if (!/^Step(Started|Evaluating|Merging)$/.test(event.type)) continue;
    const step = state.chain.get((event.data as { step: string }).step);
    if (step !== undefined && isActive(step)) due.push(workOfStep(state, step, options));
  }
  return due;
}

function preparation(state: Directive): WorkItem[] | undefined {
  const { workspace } = state.spec;
  if (workspace.kind === 'none' || state.workspace !== null || state.startedAt === null) return;
  const data: WorkspaceWork = { op: 'prepare', directiveId: state.id, workspace };
  const id = `${state.id}-prepare`;
  const stream = `workspace-${state.id}`;
  const since = state.startedAt;
  const subject = subjects.work('workspace');
  return [{ subject, type: 'writ.work', data, id, stream, since, limitMs: USUAL_LIMIT_MS }];
}

function rollingBack(state: Directive): WorkItem | undefined {
  const data = rollbackWork(state);
  if (data?.op !== 'rollback') return undefined;
  const subject = subjects.work('workspace');
  const about = { id: data.rollbackId, stream: `workspace-${state.id}`, since: state.createdAt };
  return { subject, type: 'writ.work', data, ...about, limitMs: USUAL_LIMIT_MS };
}

function workOfStep(state: Directive, step: StepState, { next = 0 }: WorkOptions): WorkItem {
  const runId = step.runId ?? '';
  const since = step.since;
  switch (step.status) {
    case 'evaluating': {
      const data = evaluation(state, step);
      const id = `${runId}-evaluate`;
      const stream = `evaluation-${runId}`;
      const subject = subjects.evaluate('run');
      const limitMs = limitOfChecks(data.checks);
      return { subject, type: 'writ.evaluate', data, id, stream, since, limitMs };
    }
    case 'merging': {
      const data = merge(state, step);
      const id = `${runId}-merge`;
      const stream = `workspace-${state.id}`;
      const subject = subjects.work('workspace');
      return { subject, type: 'writ.work', data, id, stream, since, limitMs: USUAL_LIMIT_MS };
    }
    default: {
      const data = workOfRun(state, step, next);
      const subject = subjects.work(step.spec.adapter.kind);
      const stream = `run-${runId}`;
      const limitMs = limitOfRun(step.spec);
      return { subject, type: 'writ.work', data, id: runId, stream, since, limitMs };
    }
  }
}

function limitOfRun({ timeoutMs, retry }: StepState['spec']): number {
  let limit = timeoutMs;
  for (let made = 1; made <= retry.retries; made += 1) {
    limit += timeoutMs + longestRetryDelayMs(retry, made);
  }
  return limit;
}

function limitOfChecks(checks: readonly Check[]): number {
  return checks.reduce((sum, check) => {
    const limits = { program: 1, http: 1, detected: detectedWhats.length };
    if (!Object.hasOwn(limits, check.kind)) return sum;
    const { kind, timeoutMs } = check as Extract<Check, { kind: keyof typeof limits }>;
    return sum + (timeoutMs ?? USUAL_LIMIT_MS) * limits[kind];
  }, 0);
}

function workOfRun(state: Directive, step: StepState, next: number): RunWork {
  const ahead = stepsAhead(state, step, next);
  const work = run(state, step, step.runId ?? '', step.attempt);
  if (ahead.length === 0) return work;
  const { id, generation } = state;
  const runIds = new Map(
    ahead.map(({ spec: { name }, attempt }) => [name, runIdOf(id, generation, name, attempt + 1)]),
  );
  return {
    ...work,
    next: ahead.map((it) => run(state, it, runIds.get(it.spec.name) ?? '', it.attempt + 1, runIds)),
  };
}

/** `ahead`: the runs of steps that have none yet. */
function run(
  state: Directive,
  { spec, rework, forced }: StepState,
  runId: string,
  attempt: number,
  ahead?: ReadonlyMap<string, string>,
): RunWork {
  const { name, type, adapter, timeoutMs, retry, idempotent, cache, inputs, outputs } = spec;
  const { path, branch, baseCommit } = state.workspace ?? {};
  const reserved = reservedFor(state.ledger, runId);
  return {
    runId,
    directiveId: state.id,
    generation: state.generation,
    step: name,
    ...{ type, attempt, adapter, timeoutMs, retry, idempotent, inputs, outputs },
    cache: cache && !forced,
    verify: spec.verify,
    workspace: { spec: state.spec.workspace, path, branch, baseCommit },
    autonomy: state.spec.autonomy,
    ...(rework === null ? {} : { rework }),
    ...(reserved === undefined ? {} : { reserved }),
    dependencies: spec.dependsOn.flatMap((dependency) => {
      const done = state.chain.get(dependency);
      const from = ahead?.get(dependency) ?? done?.runId ?? null;
      // One that was skipped made nothing.
      if (from === null || done?.status === 'skipped') return [];
      return [{ step: dependency, runId: from, artifacts: done?.run?.artifacts ?? [] }];
    }),
  };
}

function evaluation(state: Directive, step: StepState): EvaluateWork {
  const checks: Check[] = machineChecks(step.spec.verify);
  return {
    runId: step.runId ?? '',
    directiveId: state.id,
    step: step.spec.name,
    checks,
    thresholds: state.spec.thresholds,
    workspace: state.spec.workspace,
    workspacePath: state.workspace?.path,
    commit: step.run?.commit,
    artifacts: step.run?.artifacts ?? [],
    inputs: step.spec.inputs,
    acceptanceCriteriaIds: step.spec.acceptanceCriteriaIds,
    criteria: state.spec.acceptanceCriteria.filter(({ id }) => namesCriterion(step.spec, id)),
  };
}

function merge(state: Directive, step: StepState): WorkspaceWork {
  const edits = (step.run?.artifacts ?? []).filter((it) => it.authoredBy !== undefined);
  const runId = step.runId ?? '';
  return {
    op: 'merge',
    directiveId: directiveIdOf(runId),
    runId,
    step: step.spec.name,
    title: state.spec.title,
    repository: state.workspace?.path ?? '',
    branch: state.workspace?.branch ?? '',
    commit: step.run?.commit ?? '',
    ...(edits.length === 0 ? {} : { edits }),
  };
}
