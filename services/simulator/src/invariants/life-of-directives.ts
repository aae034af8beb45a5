/**
 * What holds for the events of one directive: L2, L3 and L4 of `in-the-log.ts`. Owns a second account
 * of the life of steps, told by the events alone and apart from the code that decides them.
 */
import type { DirectiveEventData, PlannedStep } from '@writ/contracts';
import { directiveDecider, type DirectiveState } from '@writ/domain';
import type { StoredEvent } from '@writ/event-log';

export const ENDS = ['DirectiveCompleted', 'DirectiveFailed', 'DirectiveStopped'];

interface AboutStep {
  readonly step: string;
  readonly run?: { readonly runId: string };
  readonly runId?: string;
  readonly again?: boolean;
}

export function brokenLife(stream: string, events: readonly StoredEvent[]): string[] {
  const broken: string[] = [];
  let ended = false;
  const steps = new StepLives((what, { version, type }) => {
    broken.push(`${stream}: ${what} (${type}, version ${version})`);
  });
  for (const event of events) {
    if (ended && !['DirectiveArchived', 'CommandRefused', 'BudgetSettled'].includes(event.type)) {
      steps.say('something happens after its end', event); // L2
    }
    steps.follow(event);
    ended ||= ENDS.includes(event.type);
  }
  const ends = events.filter(({ type }) => ENDS.includes(type));
  if (ends.length > 1) broken.push(`${stream} ends ${ends.length} times`); // L2
  return [...broken, ...notFoldable(stream, events)];
}

/** Which steps there are, by name. */
export function followChain(
  chain: Map<string, PlannedStep>,
  { type, data }: Pick<StoredEvent, 'type' | 'data'>,
): void {
  if (type === 'ChainActivated') {
    chain.clear();
    const { steps } = data as DirectiveEventData<'ChainActivated'>;
    for (const step of steps) chain.set(step.name, step);
  } else if (type === 'StepAdded' || type === 'StepUpdated') {
    const { spec } = data as DirectiveEventData<'StepAdded'>;
    chain.set(spec.name, spec);
  } else if (type === 'StepRemoved') chain.delete((data as AboutStep).step);
}

class StepLives {
  private readonly chain = new Map<string, PlannedStep>();
  private atMost = Infinity;
  private readonly done = new Set<string>();
  private readonly over = new Set<string>();
  private readonly runs = new Set<string>();
  private readonly active = new Map<string, string>();
  /** For a person: it holds no place. */
  private readonly waiting = new Map<string, string>();

  constructor(readonly say: (what: string, event: StoredEvent) => void) {}

  follow(event: StoredEvent): void {
    followChain(this.chain, event);
    this.followLimits(event);
    const { type, data } = event;
    const { step, run, runId } = data as AboutStep;
    switch (type) {
      case 'ChainActivated':
        return this.activated(event);
      case 'StepStarted':
        return this.started(event);
      case 'ApprovalRequested':
        if (run === undefined) return; // about no run of a step
        if (this.active.get(step) !== run.runId) {
          this.say(`${step} is asked about and is not active`, event);
        }
        this.active.delete(step);
        this.waiting.set(step, run.runId);
        return;
      case 'StepMerging':
        if (this.waiting.delete(step)) this.active.set(step, run?.runId ?? '');
        return;
      case 'StepPostponed':
      case 'StepReworkRequested':
        if (this.lastOf(step) !== run?.runId) {
          this.say(`${step} is sent back and is not active`, event);
        }
        return this.leave(step);
      case 'StepPassed':
      case 'StepFailed':
      case 'StepCancelled':
        return this.ends(event, step, run?.runId ?? runId);
      case 'StepBlocked':
        return run === undefined ? undefined : this.ends(event, step, run.runId);
      case 'StepSkipped':
        if (this.active.has(step)) this.say(`${step} is skipped and is active`, event);
        this.leave(step);
        this.over.add(step);
        this.done.add(step);
        return;
      case 'StepReopened':
        if (this.active.has(step)) this.say(`${step} is reopened and is active`, event);
        this.leave(step);
        this.over.delete(step);
        this.done.delete(step);
        return;
      case 'StepUpdated':
        this.over.delete((data as DirectiveEventData<'StepUpdated'>).spec.name);
    }
  }

  private followLimits({ type, data }: StoredEvent): void {
    const limits =
      type === 'DirectiveCreated' || type === 'LimitsRaised'
        ? (data as DirectiveEventData<'LimitsRaised'>).limits
        : type === 'DirectiveAmended'
          ? (data as DirectiveEventData<'DirectiveAmended'>).set.limits
          : undefined;
    this.atMost = limits?.maxParallelSteps ?? this.atMost;
  }

  private activated(event: StoredEvent): void {
    const { changes } = event.data as DirectiveEventData<'ChainActivated'>;
    if (this.active.size > 0) this.say('a chain is superseded while it runs', event);
    const kept = changes?.kept ?? [];
    const lost = kept.filter((step) => !this.done.has(step));
    if (lost.length > 0) this.say(`${lost.join(', ')} stays passed and never passed`, event);
    for (const set of [this.over, this.done]) {
      set.clear();
      for (const step of kept) set.add(step);
    }
    this.waiting.clear();
  }

  private started(event: StoredEvent): void {
    const { step, runId } = event.data as DirectiveEventData<'StepStarted'>;
    const needed = this.chain.get(step)?.dependsOn ?? ['a place in the chain'];
    const missing = needed.filter((name) => !this.done.has(name));
    if (missing.length > 0) this.say(`${step} starts before ${missing.join(', ')}`, event); // L3
    if (this.runs.has(runId)) this.say(`${runId} starts again`, event); // L4
    if (this.active.has(step) || this.over.has(step)) this.say(`${step} starts once more`, event);
    this.runs.add(runId);
    this.active.set(step, runId);
    const { size } = this.active;
    if (size > this.atMost) this.say(`${size} steps are under way, not ${this.atMost}`, event);
  }

  private ends(event: StoredEvent, step: string, runId: string | undefined): void {
    const { type, data } = event;
    if (this.lastOf(step) !== runId) this.say(`${step} ends and is not active`, event);
    if (this.over.has(step)) this.say(`${step} ends twice`, event); // L4
    this.leave(step);
    if ((data as AboutStep).again === true) return;
    this.over.add(step);
    if (type === 'StepPassed') this.done.add(step);
  }

  private lastOf(step: string): string | undefined {
    return this.active.get(step) ?? this.waiting.get(step);
  }

  private leave(step: string): void {
    this.active.delete(step);
    this.waiting.delete(step);
  }
}

function notFoldable(stream: string, events: readonly StoredEvent[]): string[] {
  let state: DirectiveState = directiveDecider.initial;
  try {
    for (const event of events) state = directiveDecider.evolve(state, event);
    return [];
  } catch (error) {
    return [`${stream} cannot be folded: ${(error as Error).message}`];
  }
}
