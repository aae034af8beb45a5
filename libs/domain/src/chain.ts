/**
 * The chain of a directive: its steps in the order in which they were planned, and what depends on
 * what. Owns that to follow a step costs about the same in a chain of ten steps and of ten thousand;
 * what happens to a step is told by `directive-state.ts`.
 *
 * C1 A chain never changes: `with` gives another one, which shares every block that stays the same.
 * C2 Each block, and the whole, counts the steps that are ready, active and failed, so whoever looks
 *    for such steps passes over all other blocks.
 * C3 A step knows how many of its dependencies are not done; it is ready when none is left.
 */
import type {
  Confidence,
  PlannedStep,
  Rework,
  StepFailure,
  StepRun,
  StepStatus,
} from '@writ/contracts';
import type { Attempted } from './rework';

export interface StepState {
  readonly spec: PlannedStep;
  readonly status: StepStatus;
  /** Dependencies that have neither passed nor been skipped (C3). */
  readonly waitsFor: number;
  readonly attempt: number;
  readonly runId: string | null;
  /** Of its latest run, once that has ended. */
  readonly run: StepRun | null;
  readonly confidence: Confidence | null;
  readonly failure: StepFailure | null;
  readonly blockedBy: string | null;
  readonly commit: string | null;
  /** What its present or next attempt is told of the one before. */
  readonly rework: Rework | null;
  /** The attempts that were sent back, the oldest first. */
  readonly sentBack: readonly Attempted[];
  /** It is to run, whatever is on record of a run like it. */
  readonly forced: boolean;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  /** When it came into its present status. */
  readonly since: string;
}

export const isActive = ({ status }: StepState): boolean =>
  status === 'running' || status === 'evaluating' || status === 'merging';
/** It has no run under way, and is to have one. */
export const isIdle = ({ status }: StepState): boolean =>
  status === 'pending' || status === 'rework' || status === 'stale';
const isReady = (step: StepState) => isIdle(step) && step.waitsFor === 0;
/** A step that waits in vain for another one is not what failed. */
const isFailed = ({ status, failure }: StepState) =>
  status === 'failed' || (status === 'blocked' && failure !== null);
/** What needs it may start. */
export const isDone = ({ status }: StepState): boolean =>
  status === 'passed' || status === 'skipped';
const isWaiting = (step: StepState) => step.status === 'awaiting_approval';

/** How many steps of a block, or of all, are so. */
export interface Tally {
  readonly ready: number;
  readonly active: number;
  readonly failed: number;
  /** For a person. */
  readonly waiting: number;
}

interface Block {
  /** Written to only while the block is new: see `withAll`. */
  readonly steps: StepState[];
  readonly tally: Tally;
}

/** What was planned, the same for every chain that follows from it. */
interface Places {
  readonly byName: ReadonlyMap<string, number>;
  /** By name: the places of the steps that name it as a dependency. */
  readonly dependents: ReadonlyMap<string, readonly number[]>;
  /** The places of steps that a person answers. */
  readonly people: readonly number[];
}

const BLOCK = 64;

export class Chain implements Iterable<StepState> {
  private constructor(
    private readonly places: Places,
    private readonly blocks: readonly Block[],
    readonly tally: Tally,
  ) {}

  /**
   * The steps as they are when the chain is activated; their names differ. `known` are those that
   * stay as they are, by name: of a chain before it.
   */
  static planned(
    specs: readonly PlannedStep[],
    at: string,
    known: ReadonlyMap<string, StepState> = new Map(),
  ): Chain {
    const done = new Set([...known.values()].filter(isDone).map(({ spec }) => spec.name));
    const steps = specs.map((spec) => {
      const waitsFor = new Set(spec.dependsOn.filter((name) => !done.has(name))).size;
      const before = known.get(spec.name);
      return before === undefined ? planned(spec, waitsFor, at) : { ...before, spec, waitsFor };
    });
    return Chain.of(placesOf(specs), steps);
  }

  /** As it was when these were its steps: what iterating over a chain gives. */
  static restored(steps: readonly StepState[]): Chain {
    return Chain.of(placesOf(steps.map(({ spec }) => spec)), steps);
  }

  private static of(places: Places, steps: readonly StepState[]): Chain {
    const blocks: Block[] = [];
    for (let from = 0; from < steps.length; from += BLOCK) {
      const part = steps.slice(from, from + BLOCK);
      blocks.push({ steps: part, tally: tallyOf(part) });
    }
    return new Chain(places, blocks, tallyOf(steps));
  }

  get(name: string): StepState | undefined {
    const place = this.places.byName.get(name);
    return place === undefined ? undefined : this.at(place);
  }

  *[Symbol.iterator](): Iterator<StepState> {
    for (const { steps } of this.blocks) yield* steps;
  }

  /** With this step as it is now, and with what follows from it for those that wait for it. */
  with(step: StepState): Chain {
    const place = this.places.byName.get(step.spec.name);
    if (place === undefined) throw new Error(`the chain has no step ${step.spec.name}`);
    const changes = new Map([[place, step]]);
    const moreDone = Number(isDone(step)) - Number(isDone(this.at(place)));
    if (moreDone !== 0) {
      for (const dependent of this.places.dependents.get(step.spec.name) ?? []) {
        const waiting = this.at(dependent);
        changes.set(dependent, { ...waiting, waitsFor: waiting.waitsFor - moreDone });
      }
    }
    return this.withAll(changes);
  }

  /** Every step changed alike; for what happens to the directive as a whole. */
  map(change: (step: StepState) => StepState): Chain {
    return Chain.of(this.places, [...this].map(change));
  }

  /** The steps that can start, in the order of the chain. */
  *ready(): Generator<StepState> {
    for (const { steps, tally } of this.blocks) {
      if (tally.ready === 0) continue;
      for (const step of steps) if (isReady(step)) yield step;
    }
  }

  /** Those of them that are a question to a person: it is asked whatever else is under way. */
  readyPeople(): StepState[] {
    return this.places.people.map((place) => this.at(place)).filter(isReady);
  }

  active(): StepState[] {
    return this.blocks.flatMap(({ steps, tally }) =>
      tally.active > 0 ? steps.filter(isActive) : [],
    );
  }

  failed(): StepState[] {
    return this.blocks.flatMap(({ steps, tally }) =>
      tally.failed > 0 ? steps.filter(isFailed) : [],
    );
  }

  /** The steps that name it as a dependency, in the order of the chain. */
  dependentsOf(name: string): StepState[] {
    return (this.places.dependents.get(name) ?? []).map((place) => this.at(place));
  }

  /** The idle steps that need the step, directly or through others, in the order of the chain. */
  idleAfter(name: string): StepState[] {
    return this.after(name, isIdle);
  }

  /** The steps that need the step, directly or through others, in the order of the chain. */
  after(name: string, counts: (step: StepState) => boolean = () => true): StepState[] {
    const found = new Set<number>();
    const names = [name];
    for (let next = names.pop(); next !== undefined; next = names.pop()) {
      for (const place of this.places.dependents.get(next) ?? []) {
        const step = this.at(place);
        if (!counts(step) || found.has(place)) continue;
        found.add(place);
        names.push(step.spec.name);
      }
    }
    return [...found].sort((a, b) => a - b).map((place) => this.at(place));
  }

  private at(place: number): StepState {
    const step = this.blocks[Math.floor(place / BLOCK)]?.steps[place % BLOCK];
    if (step === undefined) throw new Error(`the chain has no place ${place}`);
    return step;
  }

  /** C1: copies the blocks with a change, each once. */
  private withAll(changes: ReadonlyMap<number, StepState>): Chain {
    const blocks = [...this.blocks];
    let tally = this.tally;
    const copied = new Set<number>();
    for (const [place, step] of changes) {
      const number = Math.floor(place / BLOCK);
      const block = blocks[number] as Block;
      const before = this.at(place);
      const steps = copied.has(number) ? block.steps : [...block.steps];
      steps[place % BLOCK] = step;
      blocks[number] = { steps, tally: counted(block.tally, before, step) };
      tally = counted(tally, before, step);
      copied.add(number);
    }
    return new Chain(this.places, blocks, tally);
  }
}

/** The tally when `after` has taken the place of `before`. */
function counted(tally: Tally, before: StepState, after: StepState): Tally {
  const more = (holds: (step: StepState) => boolean) =>
    Number(holds(after)) - Number(holds(before));
  return {
    ready: tally.ready + more(isReady),
    active: tally.active + more(isActive),
    failed: tally.failed + more(isFailed),
    waiting: tally.waiting + more(isWaiting),
  };
}

function tallyOf(steps: readonly StepState[]): Tally {
  const count = (holds: (step: StepState) => boolean) => steps.filter(holds).length;
  return {
    ...{ ready: count(isReady), active: count(isActive) },
    ...{ failed: count(isFailed), waiting: count(isWaiting) },
  };
}

function placesOf(specs: readonly PlannedStep[]): Places {
  const dependents = new Map<string, number[]>();
  specs.forEach(({ dependsOn }, place) => {
    for (const name of new Set(dependsOn)) {
      const others = dependents.get(name);
      if (others === undefined) dependents.set(name, [place]);
      else others.push(place);
    }
  });
  const people = specs.flatMap(({ adapter }, place) => (adapter.kind === 'human' ? [place] : []));
  return { byName: new Map(specs.map(({ name }, place) => [name, place])), dependents, people };
}

function planned(spec: PlannedStep, waitsFor: number, at: string): StepState {
  return {
    spec,
    status: 'pending',
    waitsFor,
    attempt: 0,
    runId: null,
    run: null,
    confidence: null,
    failure: null,
    blockedBy: null,
    commit: null,
    rework: null,
    sentBack: [],
    forced: false,
    startedAt: null,
    completedAt: null,
    since: at,
  };
}
