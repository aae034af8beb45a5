/**
 * Rings again what is due and unattended. Messages may be lost, NATS may be wiped, a planner may
 * die between its commit and its messages: all of it only costs the time until the next pass.
 *
 * R1 Work is rung when a pass finds it due and an earlier pass, long enough ago, found it due too:
 *    two readings of one clock in one process, so no clocks are compared.
 * R2 The first pass of a process waits for nobody: whoever was before it may have died.
 * R3 What shows in the log as done is noted from there, not rung.
 */
import {
  isRefusal,
  streamOf,
  type EvaluationCompleted,
  type RecordedEvent,
  type RunEnded,
  type WorkspaceEvent,
} from '@writ/contracts';
import { workOf, type Directive, type DirectiveCommand, type WorkItem } from '@writ/domain';
import { decide, planner, send, type Planner } from './planner';

export interface ReconcileOptions {
  /** Due for so long: rung. Rung again after as long again. */
  readonly unattendedMs: number;
  /** Rung so often in vain: the directive counts as stuck. */
  readonly stuckAfterRings: number;
  /** Milliseconds, only differences count. */
  readonly now: () => number;
}

interface Watched {
  since: number;
  rings: number;
  pass: number;
}

/** One pass over all directives that have not ended; call it again and again. */
export function createReconciler(deps: Planner, options: ReconcileOptions): () => Promise<void> {
  const watched = new Map<string, Watched>();
  let pass = 0;

  /** Notes that the item is due now; says how long and how often in vain it has been. */
  function watch(item: WorkItem): Watched {
    const known = watched.get(item.id) ?? { since: options.now(), rings: 0, pass };
    known.pass = pass;
    watched.set(item.id, known);
    return known;
  }

  async function attend(directive: Directive, items: readonly WorkItem[]): Promise<void> {
    const done = await findDone(deps, directive, items);
    for (const item of items) {
      const command = done.get(item.id);
      if (command !== undefined) {
        const cause = { commandId: `reconcile-${item.id}`, actor: planner };
        const decided = await decide(deps, directive.id, command, cause);
        if (isRefusal(decided)) deps.logger.error({ directiveId: directive.id }, decided.message);
        deps.metrics.rerings.inc({ what: 'event' });
        continue;
      }
      const known = watch(item);
      known.since = options.now();
      known.rings += 1;
      // A distinct id: NATS must not take the ring for the message that was lost.
      send(deps, item, { correlationId: directive.id }, `-ring-${Math.round(options.now())}`);
      deps.metrics.rerings.inc({ what: item.type === 'writ.work' ? 'work' : 'evaluation' });
    }
  }

  return async () => {
    pass += 1;
    const stuck = new Set<string>();
    for (const id of await deps.rows.unfinished()) {
      const { state: directive } = await deps.directives.load(streamOf.directive(id));
      if (directive.status === 'absent') continue;
      const unattended = workOf(directive).filter((item) => {
        const { since, rings } = watch(item);
        if (rings >= options.stuckAfterRings) stuck.add(id);
        return pass === 1 || options.now() - since >= options.unattendedMs; // R1, R2
      });
      if (unattended.length > 0) await attend(directive, unattended);
    }
    for (const [id, known] of watched) if (known.pass !== pass) watched.delete(id);
    deps.metrics.stuck.set(stuck.size);
  };
}

/** R3: for each item that the log shows as done, what to note of it. */
async function findDone(
  deps: Planner,
  directive: Directive,
  items: readonly WorkItem[],
): Promise<Map<string, DirectiveCommand>> {
  const workspaceStream = streamOf.workspace(directive.id);
  const ofSteps = items.filter((item) => item.stream !== workspaceStream);
  const done = new Map<string, DirectiveCommand>();
  const lastOf = new Map<string, RecordedEvent>();
  for (const event of await deps.log.lastEvents(ofSteps.map((item) => item.stream))) {
    lastOf.set(event.stream, event);
  }
  for (const item of ofSteps) {
    const last = lastOf.get(item.stream);
    if (last?.type === 'RunEnded') {
      done.set(item.id, { type: 'note-run', ended: last.data as RunEnded });
    } else if (last?.type === 'EvaluationCompleted') {
      const evaluation = last.data as EvaluationCompleted;
      done.set(item.id, { type: 'note-evaluation', evaluation });
    }
  }
  if (ofSteps.length === items.length) return done;
  for (const event of await deps.log.readStream(workspaceStream)) {
    const noted = event as unknown as WorkspaceEvent;
    const id = 'runId' in noted.data ? `${noted.data.runId}-merge` : `${directive.id}-prepare`;
    const item = items.find((it) => it.id === id);
    if (item !== undefined) done.set(id, { type: 'note-workspace', event: noted });
  }
  return done;
}
