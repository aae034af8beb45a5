/**
 * Rings again what is due and unattended. Messages may be lost, NATS may be wiped, a planner may
 * die between its commit and its messages: all of it only costs the time until the next pass.
 *
 * R1 Work is rung when a pass finds it due and an earlier pass, long enough ago, found it due too:
 *    two readings of one clock in one process, so no clocks are compared.
 * R2 The first pass of a process waits for nobody: whoever was before it may have died.
 * R3 What shows in the log as done is noted from there, not rung.
 * R4 A directive that cannot be attended to does not stand in the way of the others.
 * R5 A directive is stuck when something in it was rung in vain, again and again: nobody has begun
 *    with it, or it has taken longer than it may.
 */
import { isRefusal, streamOf, Unavailable } from '@writ/contracts';
import { isOverTime, workOf, type Directive, type WorkItem } from '@writ/domain';
import { findProgress, type Done } from './find-progress';
import { noteInOrder } from './note-workspace';
import { decide, planner, send, type Planner } from './planner';

export interface ReconcileOptions {
  /** Due for so long: rung. Rung again after as long again. */
  readonly unattendedMs: number;
  /** Rung so often in vain: the directive may be stuck. */
  readonly stuckAfterRings: number;
  /** Milliseconds, only differences count. */
  readonly now: () => number;
}

interface Watched {
  /** When a pass found it due first. */
  readonly dueSince: number;
  since: number;
  rings: number;
  /** Somebody has begun with it, or nobody can tell. */
  begun: boolean;
  pass: number;
}

/** One pass over all directives that have not ended; call it again and again. */
export function createReconciler(deps: Planner, options: ReconcileOptions): () => Promise<void> {
  const watched = new Map<string, Watched>();
  let pass = 0;

  /** Notes that the item is due now; says how long and how often in vain it has been. */
  function watch(item: WorkItem): Watched {
    const now = options.now();
    const fresh = { dueSince: now, since: now, rings: 0, begun: false, pass };
    const known = watched.get(item.id) ?? fresh;
    known.pass = pass;
    watched.set(item.id, known);
    return known;
  }

  /** R5 */
  function isStuck(item: WorkItem): boolean {
    const { rings, begun, dueSince } = watch(item);
    if (rings < options.stuckAfterRings) return false;
    return !begun || options.now() - dueSince >= item.limitMs;
  }

  async function attend(directive: Directive, items: readonly WorkItem[]): Promise<void> {
    const { done, begun } = await findProgress(deps.log, directive.id, items);
    for (const item of items) {
      const known = done.get(item.id);
      if (known !== undefined) {
        await noteDone(deps, directive, item, known);
        continue;
      }
      const rung = watch(item);
      rung.since = options.now();
      rung.rings += 1;
      rung.begun = begun.has(item.id);
      // A distinct id: NATS must not take the ring for the message that was lost.
      const about = { correlationId: directive.id, traceparent: directive.traceparent };
      send(deps, item, about, `-ring-${Math.round(options.now())}`);
      deps.metrics.rerings.inc({ what: item.type === 'writ.work' ? 'work' : 'evaluation' });
    }
  }

  /** True when the directive is stuck. `now` is the database's. */
  async function look(id: string, now: string): Promise<boolean> {
    const { state: directive } = await deps.directives.load(streamOf.directive(id));
    if (directive.status === 'absent') return false;
    if (directive.movingSince !== null && isOverTime(directive, now)) {
      const since = directive.movingSince;
      const { traceparent } = directive;
      const cause = { commandId: `time-${id}-${since}`, actor: planner, traceparent };
      await decide(deps, id, { type: 'note-time', now, since }, cause);
    }
    const items = workOf(directive);
    const unattended = items.filter(
      (item) => pass === 1 || options.now() - watch(item).since >= options.unattendedMs, // R1, R2
    );
    if (unattended.length > 0) await attend(directive, unattended);
    return items.some(isStuck);
  }

  return async () => {
    pass += 1;
    let stuck = 0;
    const { ids, now } = await deps.rows.unfinished();
    for (const id of ids) {
      try {
        if (await look(id, now)) stuck += 1;
      } catch (error) {
        if (error instanceof Unavailable) throw error; // the same for all of them
        stuck += 1; // R4
        deps.logger.error({ err: error, directiveId: id }, 'a directive cannot be reconciled');
      }
    }
    for (const [id, known] of watched) if (known.pass !== pass) watched.delete(id);
    deps.metrics.stuck.set(stuck);
  };
}

/** R3 */
async function noteDone(
  deps: Planner,
  { id, traceparent }: Directive,
  item: WorkItem,
  { command, version }: Done,
): Promise<void> {
  const cause = { commandId: `reconcile-${item.id}`, actor: planner, traceparent };
  const decided =
    command.type === 'note-workspace'
      ? await noteInOrder(deps, command.event, version, cause)
      : await decide(deps, id, command, cause);
  if (isRefusal(decided)) deps.logger.error({ directiveId: id }, decided.message);
  deps.metrics.rerings.inc({ what: 'event' });
}
