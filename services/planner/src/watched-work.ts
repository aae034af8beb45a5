/**
 * What the reconciler remembers of one directive between its passes: what was due in it, since when,
 * and how often it was rung. Owns when that is to be rung again, and when it counts as stuck.
 *
 * W1 Work whose queue is not empty most likely waits in it, and ringing makes the queue longer: it is
 *    rung less and less often. Once the queue is empty it is rung as anything else, so a server that
 *    lost its messages costs no more time than ever.
 */
import { consumers, type ConsumerDefinition } from '@writ/contracts';
import { nextDeadline, nextProbe, type Directive, type WorkItem } from '@writ/domain';
import type { Bus } from '@writ/messaging';

export interface Watching {
  /** Due for so long: rung. Rung again after as long again. */
  readonly unattendedMs: number;
  /** Rung so often in vain: the directive may be stuck. */
  readonly stuckAfterRings: number;
}

/** W1: doubled so often at most. */
const MOST_DOUBLINGS = 3;

/** Where work waits for its turn. */
const queues: readonly ConsumerDefinition[] = [
  consumers.executorEcho,
  consumers.executorProgram,
  consumers.executorShell,
  consumers.executorHttp,
  consumers.executorWorker,
  consumers.executorWorkspace,
  consumers.verifierEvaluations,
];

interface Watched {
  /** When a pass found it due first. */
  readonly dueSince: number;
  /** Where it waits for its turn. */
  readonly queue: string | undefined;
  readonly limitMs: number;
  since: number;
  rings: number;
  /** Somebody has begun with it, or nobody can tell. */
  begun: boolean;
}

export class WatchedWork {
  private items = new Map<string, Watched>();
  /** Of the directive, when it was looked at. */
  private version: number | undefined;
  /** When its time, that of an approval, or the wait for a provider is over, by the database's clock. */
  private overAt = Infinity;
  private busy: ReadonlySet<string> = new Set();

  constructor(private readonly how: Watching) {}

  /** The queues in which something waits now. */
  queuesAre(busy: ReadonlySet<string>): void {
    this.busy = busy;
  }

  /** Nothing happened in it since it was looked at, and nothing is due: it need not be read. */
  isQuiet(version: number | undefined, databaseNow: string, now: number): boolean {
    if (version === undefined || version !== this.version) return false;
    if (Date.parse(databaseNow) >= this.overAt) return false;
    return [...this.items.values()].every((item) => now < this.dueAt(item));
  }

  /** As it was looked at; what is no longer due is forgotten. */
  found(directive: Directive, items: readonly WorkItem[], now: number): void {
    const { maxWallTimeMinutes: minutes } = directive.spec.limits;
    const from = directive.movingSince;
    const timeIsOver =
      minutes === undefined || from === null ? Infinity : Date.parse(from) + minutes * 60_000;
    const deadline = nextDeadline(directive.approvals);
    const probe = nextProbe(directive.suspension) ?? Infinity;
    const asked = deadline === null ? Infinity : Date.parse(deadline);
    this.overAt = Math.min(timeIsOver, asked, probe);
    this.version = directive.version;
    this.items = new Map(
      items.map(({ id, subject, limitMs }) => {
        const queue = queueOf(subject);
        const fresh = { dueSince: now, queue, limitMs, since: now, rings: 0, begun: false };
        return [id, this.items.get(id) ?? fresh];
      }),
    );
  }

  isDue({ id }: WorkItem, now: number): boolean {
    const item = this.items.get(id);
    return item !== undefined && now >= this.dueAt(item);
  }

  rung({ id }: WorkItem, { at, begun }: { readonly at: number; readonly begun: boolean }): void {
    const item = this.items.get(id);
    if (item === undefined) return;
    item.since = at;
    item.rings += 1;
    item.begun = begun;
  }

  isStuck(now: number): boolean {
    return [...this.items.values()].some(({ rings, begun, dueSince, limitMs }) => {
      if (rings < this.how.stuckAfterRings) return false;
      return !begun || now - dueSince >= limitMs;
    });
  }

  private dueAt({ since, rings, queue = '' }: Watched): number {
    const doublings = this.busy.has(queue) ? Math.min(rings, MOST_DOUBLINGS) : 0; // W1
    return since + this.how.unattendedMs * 2 ** doublings;
  }
}

function queueOf(subject: string): string | undefined {
  const takes = (pattern: string) =>
    pattern === subject || (pattern.endsWith('.>') && subject.startsWith(pattern.slice(0, -1)));
  return queues.find((queue) => takes(queue.subject))?.name;
}

/** The names of queues in which something waits; none when nobody can say. */
export async function busyQueues(bus: Pick<Bus, 'backlog'>): Promise<ReadonlySet<string>> {
  const waiting = await Promise.all(
    queues.map((queue) =>
      bus.backlog([queue]).then(
        (backlog) => backlog.waiting > 0,
        () => false,
      ),
    ),
  );
  return new Set(queues.filter((_, at) => waiting[at]).map(({ name }) => name));
}
