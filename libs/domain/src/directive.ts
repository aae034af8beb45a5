/**
 * The directive aggregate: what a command makes happen. Owns the legal transitions and the order of
 * steps; what follows from an event is in `directive-state.ts`, what work is due in
 * `directive-work.ts`.
 */
import {
  runIdOf,
  type CriterionResult,
  type Confidence,
  type DirectiveEvent,
  type DirectiveEventData,
  type DirectiveStatus,
  type EvaluationCompleted,
  type RefusalCode,
  type PlannedStep,
  type Refusal,
  type RunEnded,
  type StepFailure,
  type StepRun,
  type DirectiveFile,
  type WorkspaceEvent,
} from '@writ/contracts';
import type { Decider } from './decider';
import {
  evolveDirective,
  isActive,
  isFinal,
  type Directive,
  type DirectiveState,
  type StepState,
} from './directive-state';

export type DirectiveCommand =
  | {
      readonly type: 'create';
      readonly commandId: string;
      readonly directiveId: string;
      /** Variables replaced, chain checked: see `planExplicit`. */
      readonly directive: DirectiveFile;
      readonly steps: readonly PlannedStep[];
      readonly contentDigest: string;
      readonly start: boolean;
    }
  | {
      readonly type: 'start' | 'pause' | 'resume' | 'stop' | 'archive';
      readonly commandId: string;
      readonly reason?: string;
    }
  | { readonly type: 'note-workspace'; readonly event: WorkspaceEvent }
  | { readonly type: 'note-run'; readonly ended: RunEnded }
  | { readonly type: 'note-evaluation'; readonly evaluation: EvaluationCompleted };

export const directiveDecider: Decider<DirectiveState, DirectiveCommand, DirectiveEvent> = {
  initial: { status: 'absent' },
  decide,
  evolve: evolveDirective,
};

type Verb = 'start' | 'pause' | 'resume' | 'stop' | 'archive';

/** From which states each verb leads on. */
export const legalFrom: Readonly<Record<Verb, readonly DirectiveStatus[]>> = {
  start: ['draft'],
  pause: ['planning', 'active'],
  resume: ['paused'],
  stop: ['draft', 'planning', 'active', 'paused'],
  archive: ['draft', 'completed', 'failed', 'stopped'],
};

function decide(command: DirectiveCommand, state: DirectiveState): DirectiveEvent[] | Refusal {
  if (command.type === 'create') return create(command, state);
  if (state.status === 'absent') {
    return { refused: 'not_found', message: 'there is no such directive' };
  }
  switch (command.type) {
    case 'note-workspace':
      return noteWorkspace(command.event, state);
    case 'note-run':
      return noteRun(command.ended, state);
    case 'note-evaluation':
      return noteEvaluation(command.evaluation, state);
    default:
      return obey(command, state);
  }
}

function create(
  command: Extract<DirectiveCommand, { type: 'create' }>,
  state: DirectiveState,
): DirectiveEvent[] | Refusal {
  const { directive, steps, contentDigest } = command;
  if (state.status !== 'absent') {
    if (state.answers[command.commandId] === undefined) {
      return refuse('already_exists', `there is a directive ${command.directiveId} already`);
    }
    if (state.spec.contentDigest === contentDigest) return [];
    return refuse('command_reused', `command ${command.commandId} was used with another directive`);
  }
  const { title, goal, requirements, acceptanceCriteria, constraints, autonomy } = directive;
  const { thresholds, limits, workspace, variables, planner } = directive;
  const spec = { title, goal, requirements, acceptanceCriteria, constraints, autonomy };
  const draft = new Draft(state, command.directiveId);
  draft.emit({
    type: 'DirectiveCreated',
    data: {
      ...{ ...spec, thresholds, limits, workspace, variables, planner, contentDigest },
      steps: [...steps],
    },
  });
  if (command.start) start(draft);
  return draft.events;
}

function obey(
  command: Extract<DirectiveCommand, { type: Verb }>,
  state: Directive,
): DirectiveEvent[] | Refusal {
  if (state.answers[command.commandId] !== undefined) return [];
  const verb = command.type;
  const from = state.status;
  const legal = legalFrom[verb];
  if (!legal.includes(from)) {
    const possible = (Object.keys(legalFrom) as Verb[]).filter((it) =>
      legalFrom[it].includes(from),
    );
    const message = `a directive that is ${from} cannot ${verb}; ${possible.length > 0 ? `it can ${possible.join(' or ')}` : 'it has ended'}`;
    const details = { from, verb, legal: possible };
    return [
      { type: 'CommandRefused', data: { verb, code: 'illegal_transition', message, details } },
    ];
  }
  const draft = new Draft(state, state.id);
  const reason = command.reason === undefined ? {} : { reason: command.reason };
  switch (verb) {
    case 'start':
      start(draft);
      break;
    case 'pause':
      draft.emit({ type: 'DirectivePaused', data: reason });
      break;
    case 'resume':
      draft.emit({ type: 'DirectiveResumed', data: {} });
      if (state.pausedFrom === 'planning') activateIfPrepared(draft);
      else advance(draft);
      break;
    case 'stop':
      cancelActive(draft);
      draft.emit({ type: 'DirectiveStopped', data: reason });
      break;
    case 'archive':
      draft.emit({ type: 'DirectiveArchived', data: {} });
  }
  return draft.events;
}

function start(draft: Draft): void {
  draft.emit({ type: 'DirectiveStarted', data: {} });
  activateIfPrepared(draft);
}

function activateIfPrepared(draft: Draft): void {
  const { spec, workspace, generation } = draft.state;
  if (spec.workspace.kind !== 'none' && workspace === null) return;
  const data = { generation: generation + 1, strategy: spec.planner.kind, steps: spec.steps };
  draft.emit({ type: 'ChainActivated', data });
  advance(draft);
}

function noteWorkspace(event: WorkspaceEvent, state: Directive): DirectiveEvent[] {
  const draft = new Draft(state, state.id);
  switch (event.type) {
    case 'WorkspacePrepared': {
      if (state.workspace !== null || isFinal(state.status)) return [];
      const { path, branch, baseCommit } = event.data;
      draft.emit({ type: 'WorkspaceReady', data: { path, branch, baseCommit } });
      if (state.status === 'planning') activateIfPrepared(draft);
      return draft.events;
    }
    case 'WorkspaceRefused': {
      if (state.workspace !== null || isFinal(state.status)) return [];
      const reason = `${event.data.code}: ${event.data.message}`;
      return [{ type: 'DirectiveFailed', data: { reason, failedSteps: [] } }];
    }
    case 'StepMerged':
    case 'StepMergeConflicted': {
      const step = stepOfRun(state, event.data.runId, 'merging');
      if (step?.run === undefined || step.run === null) return [];
      const end = { step: step.spec.name, run: step.run, confidence: step.confidence };
      if (event.type === 'StepMerged') {
        draft.emit({ type: 'StepPassed', data: { ...end, commit: event.data.commit } });
        advance(draft);
      } else {
        const { message, paths } = event.data;
        fail(draft, { ...end, failure: { kind: 'merge_conflict', message, paths } });
      }
      return draft.events;
    }
  }
}

function noteRun(ended: RunEnded, state: Directive): DirectiveEvent[] {
  const step = stepOfRun(state, ended.runId, 'running');
  if (step === undefined) return [];
  const draft = new Draft(state, state.id);
  const name = step.spec.name;
  const run = summaryOf(ended);
  if (ended.result !== 'success' && ended.result !== 'skipped') {
    const message = ended.error?.message ?? `the run ended as ${ended.result}`;
    const failure: StepFailure = { kind: 'run', message, error: ended.error };
    fail(draft, { step: name, run, confidence: null, failure });
    return draft.events;
  }
  const { verify } = step.spec;
  const recorded = ended.source?.confidence;
  if (verify === 'none') pass(draft, name, run, null);
  else if (recorded !== undefined && recorded !== null) {
    judge(draft, name, run, recorded as Confidence, 'the recorded checks');
  } else if (verify === undefined || verify.length === 0) {
    pass(draft, name, run, { score: null, level: 'unknown' });
  } else draft.emit({ type: 'StepEvaluating', data: { step: name, run } });
  return draft.events;
}

function noteEvaluation(evaluation: EvaluationCompleted, state: Directive): DirectiveEvent[] {
  const step = stepOfRun(state, evaluation.runId, 'evaluating');
  if (step?.run === undefined || step.run === null) return [];
  const draft = new Draft(state, state.id);
  judge(draft, step.spec.name, step.run, evaluation.confidence, evaluation.summary);
  return draft.events;
}

/** The gate: red fails the step; anything else lets it pass, its level on record. */
function judge(
  draft: Draft,
  step: string,
  run: StepRun,
  confidence: Confidence,
  summary: string,
): void {
  if (confidence.level !== 'red') return pass(draft, step, run, confidence);
  fail(draft, { step, run, confidence, failure: { kind: 'verification', message: summary } });
}

/** In a git workspace the work is merged first; the step passes when it is. */
function pass(draft: Draft, step: string, run: StepRun, confidence: Confidence | null): void {
  const data = { step, run, confidence };
  if (run.commit !== undefined) return draft.emit({ type: 'StepMerging', data });
  draft.emit({ type: 'StepPassed', data });
  advance(draft);
}

function fail(draft: Draft, data: DirectiveEventData<'StepFailed'>): void {
  draft.emit({ type: 'StepFailed', data });
  const because = data.step;
  for (const blocked of dependentsOf(because, draft.state)) {
    draft.emit({ type: 'StepBlocked', data: { step: blocked, because } });
  }
  advance(draft);
}

/** All pending steps that need the step, directly or through others, in the chain's order. */
function dependentsOf(name: string, state: Directive): string[] {
  const reached = new Set([name]);
  let grew = true;
  while (grew) {
    grew = false;
    for (const { spec, status } of Object.values(state.steps)) {
      if (status !== 'pending' || reached.has(spec.name)) continue;
      if (!spec.dependsOn.some((it) => reached.has(it))) continue;
      reached.add(spec.name);
      grew = true;
    }
  }
  reached.delete(name);
  return Object.keys(state.steps).filter((it) => reached.has(it));
}

/** Starts what is ready within the limit, or ends the directive when nothing is left to do. */
function advance(draft: Draft): void {
  if (draft.state.status !== 'active') return;
  const steps = Object.values(draft.state.steps);
  const failed = steps.filter((step) => step.status === 'failed').map((step) => step.spec.name);
  if (failed.length > draft.state.spec.limits.maxFailedSteps) {
    cancelActive(draft);
    return draft.emit({ type: 'DirectiveFailed', data: failure(failed) });
  }
  let active = steps.filter(isActive).length;
  for (const { spec, status, attempt } of steps) {
    if (active >= draft.state.spec.limits.maxParallelSteps) return;
    if (status !== 'pending' || !isReady(spec, draft.state)) continue;
    const { id, generation } = draft.state;
    const runId = runIdOf(id, generation, spec.name, attempt + 1);
    draft.emit({ type: 'StepStarted', data: { step: spec.name, runId, attempt: attempt + 1 } });
    active += 1;
  }
  if (active > 0) return;
  if (failed.length > 0) return draft.emit({ type: 'DirectiveFailed', data: failure(failed) });
  const commit = draft.state.commit ?? undefined;
  draft.emit({ type: 'DirectiveCompleted', data: { criteria: criteriaOf(draft.state), commit } });
}

const failure = (failedSteps: string[]) => ({
  reason: `${failedSteps.length === 1 ? 'step' : 'steps'} ${failedSteps.join(', ')} failed`,
  failedSteps,
});

function isReady(spec: PlannedStep, state: Directive): boolean {
  return spec.dependsOn.every((name) => state.steps[name]?.status === 'passed');
}

/** A criterion is met when the steps that name it passed; their runs are the evidence. */
function criteriaOf(state: Directive): CriterionResult[] {
  const steps = Object.values(state.steps);
  return state.spec.acceptanceCriteria.map(({ id }) => {
    const naming = steps.filter((step) => step.spec.acceptanceCriteriaIds.includes(id));
    const evidence = naming.map((step) => ({ step: step.spec.name, runId: step.runId ?? '' }));
    const met = naming.length === 0 ? null : naming.every((step) => step.status === 'passed');
    return { id, met, evidence };
  });
}

function cancelActive(draft: Draft): void {
  for (const step of Object.values(draft.state.steps)) {
    if (!isActive(step) || step.runId === null) continue;
    draft.emit({ type: 'StepCancelled', data: { step: step.spec.name, runId: step.runId } });
  }
}

function stepOfRun(
  state: Directive,
  runId: string,
  status: StepState['status'],
): StepState | undefined {
  if (isFinal(state.status)) return undefined;
  // `<directive>-g<generation>-<step>-a<attempt>`; a run of another chain is nobody's step.
  const name = runId.slice(`${state.id}-g${state.generation}-`.length, runId.lastIndexOf('-a'));
  const step = Object.hasOwn(state.steps, name) ? state.steps[name] : undefined;
  return step?.runId === runId && step.status === status ? step : undefined;
}

function summaryOf(ended: RunEnded): StepRun {
  const { runId, result, artifacts, usage, commit, durationMs, source } = ended;
  const sourceRunId = source?.runId;
  return { runId, result, artifacts, usage, commit, durationMs, sourceRunId };
}

function refuse(refused: RefusalCode, message: string): Refusal {
  return { refused, message };
}

/** The events of one decision, and the state as each of them leaves it. */
class Draft {
  readonly events: DirectiveEvent[] = [];
  private current: DirectiveState;

  constructor(
    before: DirectiveState,
    private readonly id: string,
  ) {
    this.current = before;
  }

  get state(): Directive {
    if (this.current.status === 'absent') throw new Error('a decision begins with its creation');
    return this.current;
  }

  emit(event: DirectiveEvent): void {
    this.events.push(event);
    const version = this.current.status === 'absent' ? 1 : this.current.version + 1;
    // Place and time are the log's to give; no decision looks at them.
    this.current = evolveDirective(this.current, {
      ...event,
      ...{ id: '', stream: `directive-${this.id}`, version, position: 0, recordedAt: '' },
      ...{ schemaVersion: 1, metadata: { commandId: '', correlationId: this.id, actor } },
    });
  }
}

const actor = { kind: 'service', id: 'planner' } as const;
