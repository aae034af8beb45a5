/**
 * Whether there is room for another directive. More work than can be done makes all of it late and,
 * rung again and again, costs more than it is; so the door closes before that (ADR 13).
 *
 * A1 What counts is work that is answered at once: messages of it that wait or are in somebody's
 *    hands, those that this planner has not got rid of yet, and commands that wait. A program that
 *    runs for hours, or waits for its turn, closes no door.
 * A2 A crowd that comes at once is let in as long as there is room; one that does not get shorter is
 *    not: those who come would wait longer than they listen, and others behind them. Refusing is
 *    quick, so it is gone soon.
 * A3 It is looked at when somebody wants in, and not more often than `LOOK_EVERY_MS`: an idle system
 *    is asked nothing. Between two looks as many get in as there was room for at the first. Nobody is
 *    refused by an old look, and nobody who gets in waits for a new one.
 * A4 A look that fails says nothing, so what was seen before holds; where nothing has been seen for
 *    long, the door is open.
 */
import { consumers, type Clock, type Refusal } from '@writ/contracts';
import type { Bus } from '@writ/messaging';
import type { Logger, MetricsOf } from '@writ/observability';

/** A1 */
const answeredAtOnce = [
  consumers.plannerRuns,
  consumers.plannerEvaluations,
  consumers.plannerWorkspaces,
  consumers.executorEcho,
];

const LOOK_EVERY_MS = 250;
/** Who is refused comes again after so long, up to twice that, so that not all come at once. */
const RETRY_AFTER_MS = 1_000;
/** A2: so long a crowd may take to get in; less when there was one only just now. */
const CROWD_MS = 3_000;
const NEXT_CROWD_MS = 500;
const JUST_NOW_MS = 10_000;
/** A4 */
const BELIEVED_FOR_MS = 10_000;

export interface AdmissionOptions {
  readonly bus: Pick<Bus, 'backlog'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Pick<Logger, 'warn'>;
  readonly metrics: Pick<MetricsOf<'planner'>, 'admissionBacklog' | 'admissionRefused'>;
  /** Pieces of work that are answered at once: with so many of them nobody gets in. */
  readonly maxWaiting: number;
  /** Directives that have not ended, whatever they wait for. */
  readonly maxUnfinished: number;
}

type Reason = 'waiting' | 'crowd' | 'unfinished';

export class Admission {
  /** Of `maxWaiting`, what nobody has taken since the last look. */
  private room: number;
  /** The weight of all that ever got in. */
  private entered = 0;
  private unfinished = 0;
  /** Commands have waited at every look since. */
  private crowdSince: number | undefined;
  private crowdRefusedAt = -Infinity;
  private lookedAt = -Infinity;
  private sawAt = -Infinity;
  private unsent = 0;
  private looking: Promise<void> | undefined;
  private failing = false;

  constructor(private readonly options: AdmissionOptions) {
    this.room = options.maxWaiting;
  }

  /** Lets a directive in that begins with so many steps at a time, or says why not now. */
  async enter(weight: number): Promise<Refusal | undefined> {
    if (this.options.clock.now() - this.lookedAt >= LOOK_EVERY_MS) {
      const looking = this.look();
      if (this.reason() !== undefined) await looking; // A3
    }
    const reason = this.reason();
    if (reason !== undefined) return this.refuse(reason);
    this.letIn(weight);
    return undefined;
  }

  /** A directive that nobody can refuse takes its room as well. */
  letIn(weight: number): void {
    this.room -= weight;
    this.entered += weight;
    this.unfinished += 1;
  }

  /** Work that is on its way to the server. */
  sending<T>(sent: Promise<T>): Promise<T> {
    this.unsent += 1;
    return sent.finally(() => (this.unsent -= 1));
  }

  /** As the reconciler has counted them. */
  noteUnfinished(count: number): void {
    this.unfinished = count;
  }

  /** One at a time. Never rejects. */
  private look(): Promise<void> {
    this.looking ??= this.lookNow().finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async lookNow(): Promise<void> {
    const { bus, clock, logger, maxWaiting } = this.options;
    const before = this.entered;
    try {
      const [work, commands] = await Promise.all([
        bus.backlog(answeredAtOnce),
        bus.backlog([consumers.plannerCommands]),
      ]);
      const backlog = work.waiting + work.inHands + this.unsent + commands.waiting;
      this.saw(backlog, this.entered - before);
      this.crowdSince = commands.waiting === 0 ? undefined : (this.crowdSince ?? clock.now());
      this.failing = false;
    } catch (error) {
      if (!this.failing) logger.warn({ err: error }, 'what waits is not known');
      this.failing = true;
      if (clock.now() - this.sawAt >= BELIEVED_FOR_MS) {
        this.room = maxWaiting; // A4
        this.crowdSince = undefined;
      }
    }
    this.lookedAt = clock.now();
  }

  /** Who got in meanwhile may not be in what was seen. */
  private saw(backlog: number, meanwhile: number): void {
    const { clock, maxWaiting, metrics } = this.options;
    metrics.admissionBacklog.set(backlog);
    this.room = maxWaiting - backlog - meanwhile;
    this.sawAt = clock.now();
  }

  private reason(): Reason | undefined {
    if (this.room <= 0) return 'waiting';
    if (this.unfinished >= this.options.maxUnfinished) return 'unfinished';
    if (this.crowdSince === undefined) return undefined;
    const now = this.options.clock.now();
    const patienceMs = now - this.crowdRefusedAt < JUST_NOW_MS ? NEXT_CROWD_MS : CROWD_MS;
    return now - this.crowdSince >= patienceMs ? 'crowd' : undefined; // A2
  }

  private refuse(reason: Reason): Refusal {
    const { clock, maxWaiting, maxUnfinished, metrics, random } = this.options;
    metrics.admissionRefused.inc({ reason });
    if (reason === 'crowd') this.crowdRefusedAt = clock.now();
    const said: Readonly<Record<Reason, string>> = {
      waiting: `${maxWaiting - this.room} pieces of work wait, and ${maxWaiting} are the limit`,
      crowd: 'more commands come than can be taken',
      unfinished: `${this.unfinished} directives have not ended, and ${maxUnfinished} are the limit`,
    };
    const retryAfterMs = Math.round(RETRY_AFTER_MS * (1 + random()));
    const message = `${said[reason]}; send the same command again in ${retryAfterMs} ms`;
    return { refused: 'overloaded', message, details: { retryAfterMs } };
  }
}
