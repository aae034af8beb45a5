/**
 * The run cache as a run sees it: a recorded success for its bundle hash, or the right to make one.
 *
 * N1 A success of this process is found by its next run at once; the read model may lag.
 * N2 Of runs with one hash one executes; the others wait for it, here or in other processes, and
 *    hand out what it made. When it fails, or its executor dies, one of them takes its place.
 * N3 Nobody waits longer than `waitMs`: then both execute, which costs work and nothing else.
 */
import {
  pause,
  streamOf,
  subjects,
  systemClock,
  type Clock,
  type Confidence,
  type EvaluationCompleted,
  type RunEnded,
} from '@writ/contracts';
import type { EventLog } from '@writ/event-log';
import type { Bus } from '@writ/messaging';
import { isCacheable, outcomeOf, type CachedRun, type CacheTable } from './cache-table';

export interface RunCacheOptions {
  readonly table: CacheTable;
  readonly log: Pick<EventLog, 'lastEvents'>;
  readonly bus: Pick<Bus, 'listen'>;
  readonly waitMs?: number;
  /** Looks after another process's run so often, should its event be missed. */
  readonly pollMs?: number;
  readonly clock?: Clock;
}

export type Found =
  | ({ readonly hit: true } & CachedRun)
  /** Execute, then call `succeeded` or `failed`. */
  | { readonly hit: false };

interface Working {
  readonly runId: string;
  /** Of the end of a run that succeeded: from there on the read model has it. */
  position?: number;
  readonly ended: Promise<void>;
  end(): void;
}

interface Recent extends CachedRun {
  readonly position: number;
}

const MOST_RECENT = 10_000;

export class RunCache {
  private readonly working = new Map<string, Working>();
  private readonly recent = new Map<string, Recent>();
  private readonly clock: Clock;

  constructor(private readonly options: RunCacheOptions) {
    this.clock = options.clock ?? systemClock;
  }

  /** A recorded success, if there is one now: waits for nobody and reserves nothing. */
  async look(hash: string, runId: string): Promise<CachedRun | undefined> {
    const known = this.recent.get(hash); // N1
    if (known !== undefined) return { runId: known.runId, outcome: known.outcome };
    const answer = await this.options.table.ask({ hash, runId, reserve: false });
    return answer.kind === 'hit' ? { runId: answer.runId, outcome: answer.outcome } : undefined;
  }

  /** Throws when the signal aborts while it waits. Holds off other processes too. */
  async find(hash: string, runId: string, signal: AbortSignal): Promise<Found> {
    const deadline = this.clock.now() + (this.options.waitMs ?? 600_000);
    for (;;) {
      const known = this.recent.get(hash); // N1
      if (known !== undefined) return { hit: true, runId: known.runId, outcome: known.outcome };
      const other = this.working.get(hash);
      if (other === undefined || other.runId === runId || other.position !== undefined) break;
      const left = deadline - this.clock.now();
      if (left <= 0) return { hit: false }; // N3
      await this.waitFor(other.ended, left, signal); // N2
    }
    this.working.set(hash, begin(runId));
    try {
      return await this.findElsewhere(hash, runId, { signal, deadline });
    } catch (error) {
      this.finish(hash, runId);
      throw error;
    }
  }

  /** Its success is on record at this position. */
  succeeded(ended: RunEnded, position: number): void {
    const hash = ended.bundle?.hash ?? '';
    const { runId } = ended;
    if (isCacheable(ended)) {
      this.recent.set(hash, { runId, outcome: outcomeOf(ended), position });
      const [oldest = ''] = this.recent.keys();
      if (this.recent.size > MOST_RECENT) this.recent.delete(oldest);
    }
    const working = this.working.get(hash);
    if (working?.runId !== runId) return;
    working.end();
    // What other processes see of it until the read model has it: see `beat`.
    if (isCacheable(ended)) working.position = position;
    else this.finish(hash, runId);
  }

  /** It made no success: the next one with this hash executes. */
  async failed(hash: string, runId: string): Promise<void> {
    const working = this.working.get(hash);
    if (working?.runId !== runId || working.position !== undefined) return;
    try {
      await this.options.table.release([{ hash, runId }]);
    } finally {
      this.finish(hash, runId);
    }
  }

  /** What is handed out from memory says how it was judged; what was judged bad is not. */
  async judged(runId: string, confidence: Confidence): Promise<void> {
    if (confidence.level === 'red') return this.forget(runId);
    for (const [hash, known] of this.recent) {
      if (known.runId !== runId) continue;
      this.recent.set(hash, { ...known, outcome: { ...known.outcome, confidence } });
    }
  }

  /** A run that turned out bad is not handed out from memory, and holds its hash no more. */
  async forget(runId: string): Promise<void> {
    for (const [hash, known] of this.recent) if (known.runId === runId) this.recent.delete(hash);
    const done = [...this.working].filter(
      ([, it]) => it.runId === runId && it.position !== undefined,
    );
    for (const [hash] of done) this.finish(hash, runId);
    await this.options.table.release(done.map(([hash]) => ({ hash, runId })));
  }

  /** Renews what is held, and lets go of what the read model has by now. */
  async beat(): Promise<void> {
    const { table } = this.options;
    if (this.working.size === 0 && this.recent.size === 0) return;
    const position = await table.position();
    for (const [hash, known] of this.recent)
      if (known.position <= position) this.recent.delete(hash);
    const done = [];
    const held = [];
    for (const [hash, { runId, position: at }] of this.working) {
      if (at !== undefined && at <= position) done.push({ hash, runId });
      else held.push({ hash, runId });
    }
    await table.renew(held);
    await table.release(done);
    for (const { hash, runId } of done) this.finish(hash, runId);
  }

  private async findElsewhere(
    hash: string,
    runId: string,
    { signal, deadline }: { signal: AbortSignal; deadline: number },
  ): Promise<Found> {
    const { table, pollMs = 500 } = this.options;
    for (;;) {
      const answer = await table.ask({ hash, runId, reserve: true });
      if (answer.kind === 'miss') return { hit: false };
      if (answer.kind === 'hit') {
        this.finish(hash, runId);
        return { hit: true, runId: answer.runId, outcome: answer.outcome };
      }
      if (this.clock.now() >= deadline) return { hit: false }; // N3
      const made = await this.resultOf(answer.by, hash);
      if (made !== undefined) {
        this.finish(hash, runId);
        return { hit: true, ...made };
      }
      await this.waitForRun(answer.by, pollMs, signal);
    }
  }

  /** N2: what the other run made, from the log, where it is before any read model has it. */
  private async resultOf(runId: string | undefined, hash: string): Promise<CachedRun | undefined> {
    if (runId === undefined) return undefined;
    const streams = [streamOf.run(runId), streamOf.evaluation(runId)];
    const last = await this.options.log.lastEvents(streams);
    const end = last.find((event) => event.type === 'RunEnded')?.data as RunEnded | undefined;
    if (end === undefined || !isCacheable(end) || end.bundle.hash !== hash) return undefined;
    const judged = last.find((event) => event.type === 'EvaluationCompleted');
    const { confidence } = (judged?.data ?? {}) as Partial<EvaluationCompleted>;
    if (confidence?.level === 'red') return undefined;
    return { runId, outcome: { ...outcomeOf(end), confidence } };
  }

  private async waitForRun(
    runId: string | undefined,
    pollMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    if (runId === undefined) return pause(this.clock, Math.min(pollMs, 20), signal);
    let wake: () => void = () => undefined;
    const heard = new Promise<void>((resolve) => (wake = resolve));
    const subject = subjects.event('run', runId, 'RunEnded');
    const subscription = await this.options.bus.listen(subject, () => wake());
    try {
      await this.waitFor(heard, pollMs, signal);
    } finally {
      await subscription.close();
    }
  }

  /** Returns when it happens or the time is over. Throws the signal's reason. */
  private async waitFor(it: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
    const leave = new AbortController();
    const over = pause(this.clock, ms, AbortSignal.any([signal, leave.signal]));
    try {
      await Promise.race([it, over.catch(() => undefined)]);
    } finally {
      leave.abort();
    }
    signal.throwIfAborted();
  }

  private finish(hash: string, runId: string): void {
    const working = this.working.get(hash);
    if (working?.runId !== runId) return;
    this.working.delete(hash);
    working.end();
  }
}

function begin(runId: string): Working {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { runId, ended, end };
}
