/**
 * Everything about one directive that its manifests need, folded from its events in the order of the
 * log, and at which event each manifest is due. Nothing but the log decides that: whoever reads the
 * log again, from wherever, finds the same manifests due at the same events.
 *
 * A1 A run's manifest is due at the first event at which the run has ended and its step is closed
 *    (passed, failed, sent back, cancelled, or the directive has ended). By then its evaluation stands before
 *    it, or will not count any more.
 * A2 A directive's manifest is due at the event with which it completes, fails or is stopped. It
 *    names the manifests of the runs that were due by then.
 * A3 An event that the account has taken already changes nothing.
 */
import {
  type DirectiveEvent,
  directiveIdOf,
  type RecordedEvent,
  type RunEnded,
} from '@writ/contracts';
import type { Chain, StepState } from './chain';
import { evolveDirective } from './directive-evolution';
import { type Directive, type DirectiveState } from './directive-state';
import type { RunSources } from './manifest';

export type Due =
  | { readonly kind: 'run'; readonly id: string; readonly sources: RunSources }
  | {
      readonly kind: 'directive';
      readonly id: string;
      readonly directive: Directive;
      readonly ended: RecordedEvent;
      /** The runs of A2. */
      readonly runIds: readonly string[];
    };

/** The streams that an account is made from: `directive-`, `run-` and `evaluation-`. */
export const ACCOUNT_STREAMS = ['directive-', 'run-', 'evaluation-'] as const;

/** The directive whose account an event belongs to; undefined for events of other streams. */
export function accountOf(event: Pick<RecordedEvent, 'stream'>): string | undefined {
  const { stream } = event;
  const prefix = ACCOUNT_STREAMS.find((it) => stream.startsWith(it));
  if (prefix === undefined) return undefined;
  const id = stream.slice(prefix.length);
  return prefix === 'directive-' ? id : directiveIdOf(id);
}

interface OpenRun {
  ended?: RecordedEvent;
  evaluation?: RecordedEvent;
  closed?: RecordedEvent;
}

export class ManifestAccount {
  private directive: DirectiveState = { status: 'absent' };
  private end: RecordedEvent | undefined;
  /** Runs whose manifest is not due yet. */
  private readonly open = new Map<string, OpenRun>();
  private readonly dueRuns = new Set<string>();
  private lastPosition = 0;

  /** Up to which position of the log it has taken events. */
  get position(): number {
    return this.lastPosition;
  }

  /** The directive has ended and so have its runs: hardly anything will be due any more. */
  get isSettled(): boolean {
    return this.end !== undefined && this.open.size === 0;
  }

  /** Takes the next event; returns what is due with it, runs before their directive. */
  take(event: RecordedEvent): Due[] {
    if (event.position <= this.lastPosition) return []; // A3
    this.lastPosition = event.position;
    if (event.stream.startsWith('directive-')) return this.takeDirectiveEvent(event);
    if (event.type === 'RunEnded') return this.note(runIdOf(event), { ended: event });
    if (event.type === 'EvaluationCompleted') {
      return this.note(runIdOf(event), { evaluation: event });
    }
    return [];
  }

  private takeDirectiveEvent(event: RecordedEvent): Due[] {
    this.directive = evolveDirective(this.directive, event);
    const { type, data } = event as unknown as DirectiveEvent;
    switch (type) {
      case 'StepBlocked':
        return data.run === undefined ? [] : this.note(data.run.runId, { closed: event });
      case 'StepPassed':
        // An answer of a person: no run of it ever ends.
        if (this.chain?.get(data.step)?.spec.adapter.kind === 'human') return [];
        return this.note(data.run.runId, { closed: event });
      case 'StepFailed':
      case 'StepReworkRequested':
      case 'StepPostponed':
        return this.note(data.run.runId, { closed: event });
      case 'StepCancelled':
        return this.note(data.runId, { closed: event });
      case 'DirectiveCompleted':
      case 'DirectiveFailed':
      case 'DirectiveStopped':
        return this.close(event);
      default:
        return [];
    }
  }

  /** A1 */
  private note(runId: string, news: OpenRun): Due[] {
    if (this.dueRuns.has(runId)) return [];
    const run: OpenRun = { ...this.open.get(runId), ...news };
    const closed = run.closed ?? this.end;
    if (run.ended === undefined || closed === undefined) {
      this.open.set(runId, run);
      return [];
    }
    this.open.delete(runId);
    this.dueRuns.add(runId);
    const { ended, evaluation = null } = run;
    const step = this.stepOf(ended.data as RunEnded);
    const needed = (step?.spec.dependsOn ?? []).flatMap((name) => this.chain?.get(name) ?? []);
    return [{ kind: 'run', id: runId, sources: { ended, evaluation, closed, step, needed } }];
  }

  /** A2 */
  private close(event: RecordedEvent): Due[] {
    this.end = event;
    const runs = [...this.open.keys()].flatMap((runId) => this.note(runId, {}));
    const directive = this.directive as Directive;
    const { id } = directive;
    const runIds = [...this.dueRuns];
    return [...runs, { kind: 'directive', id, directive, ended: event, runIds }];
  }

  private get chain(): Chain | undefined {
    return this.directive.status === 'absent' ? undefined : this.directive.chain;
  }

  private stepOf({ step, runId }: RunEnded): StepState | null {
    const found = this.chain?.get(step);
    return found?.runId === runId ? found : null;
  }
}

/** `run-<runId>` and `evaluation-<runId>` */
const runIdOf = ({ stream }: RecordedEvent) => stream.slice(stream.indexOf('-') + 1);
