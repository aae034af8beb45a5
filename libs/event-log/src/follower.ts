/**
 * Keeps a read model behind the log: reads events by position, applies them in batches.
 *
 * F1 A batch and the checkpoint that stands for it are one transaction, and the checkpoint moves
 *    only from where this follower found it: every event is applied exactly once, whoever dies.
 * F2 One follower of a name is active, by an advisory lock on the very connection that writes; the
 *    others stand by and take over when that connection ends.
 * F3 What fails is tried again, with growing delays, for ever: an event is never skipped. How far
 *    it is behind, and why, is on display.
 */
import type { EventLog } from './event-log';
import { TRY_LOCK } from './lock-session';
import { LoopStop } from './loop-stop';
import { backoffMs } from './postgres-trouble';
import { readPage, type Page, type Projection } from './projection';
import { ProjectionSession } from './projection-session';

export interface FollowerOptions {
  readonly url: string;
  readonly log: Pick<EventLog, 'head' | 'readAll'>;
  readonly projection: Projection;
  /** Events of one transaction, at most. Default 1,000. */
  readonly pageSize?: number;
  /** Looks for events so often even when nobody wakes it. Default 1,000. */
  readonly pollMs?: number;
  /** Pauses so long after a batch, so that under load the next one is larger. Default 100. */
  readonly restMs?: number;
  readonly onError?: (error: unknown) => void;
}

/** Events of other streams move the checkpoint when there are so many of them. */
const CHECKPOINT_EVERY = 1_000;

interface Waiting {
  readonly position: number;
  readonly resolve: () => void;
}

export class Follower {
  /** True while this one applies; false while it stands by or is disconnected. */
  active = false;
  /** Everything at or before it is in the read model, as far as this process knows. */
  position = 0;
  /** Events applied by this process. */
  applied = 0;
  failures = 0;
  lastError: unknown;

  private saved = 0;
  private head = 0;
  private waiting: Waiting[] = [];
  private readonly loop = new LoopStop();
  private readonly working: Promise<void>;

  constructor(private readonly options: FollowerOptions) {
    this.working = this.work();
  }

  /** There may be new events. Costs nothing when called often. */
  wake(): void {
    this.loop.wake();
  }

  /** Events in the log that are not in the read model yet; 0 on one that stands by. */
  get lag(): number {
    return this.active ? Math.max(0, this.head - this.position) : 0;
  }

  /** Resolves when the read model includes this position. Only of use on the active one. */
  async waitFor(position: number, timeoutMs: number): Promise<void> {
    if (this.position >= position) return;
    this.wake();
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting = this.waiting.filter((other) => other !== waiting);
        reject(this.late(position, timeoutMs));
      }, timeoutMs);
      const waiting: Waiting = {
        position,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      this.waiting.push(waiting);
    });
  }

  /** Ends after the batch under way. */
  async stop(): Promise<void> {
    this.loop.stop();
    await this.working;
  }

  private async work(): Promise<void> {
    for (let inARow = 0; !this.loop.stopped;) {
      const before = this.applied;
      try {
        await this.follow();
      } catch (error) {
        inARow = this.applied > before ? 1 : inARow + 1;
        this.failures += 1;
        this.lastError = error;
        this.options.onError?.(error);
        await this.loop.rest(backoffMs(inARow, 50, 10_000)); // F3
      }
    }
  }

  /** Until stopped, or until something fails. */
  private async follow(): Promise<void> {
    const { projection, url, pollMs = 1_000, restMs = 100 } = this.options;
    const { name, schema } = projection;
    const session = await ProjectionSession.open({
      url,
      schema,
      applicationName: `writ follower ${name}`,
    });
    try {
      while (!this.loop.stopped && !(await this.takeOver(session))) await this.loop.wait(pollMs);
      while (!this.loop.stopped) {
        const page = await this.step(session);
        if (page.full) continue;
        if (page.events.length > 0) await this.loop.rest(restMs);
        else await this.loop.wait(pollMs);
      }
    } finally {
      this.active = false;
      await session.close();
    }
  }

  /** F2 */
  private async takeOver(session: ProjectionSession): Promise<boolean> {
    const { name, schema } = this.options.projection;
    const [lock] = await session.query<{ held: boolean }[]>(TRY_LOCK, [`${schema}.${name}`]);
    if (lock?.held !== true) return false;
    await session.query('insert into checkpoint values ($1, 0) on conflict do nothing', [name]);
    this.saved = await readCheckpoint(session, name);
    this.moveTo(this.saved);
    this.active = true;
    return true;
  }

  private async step(session: ProjectionSession): Promise<Page> {
    const { log, projection, pageSize = 1_000 } = this.options;
    const page = await readPage(log, projection, this.position, pageSize);
    this.head = Math.max(this.head, page.upTo);
    if (page.events.length > 0 || page.upTo - this.saved >= CHECKPOINT_EVERY) {
      await this.applyPage(session, page);
    }
    this.moveTo(page.upTo);
    return page;
  }

  /** F1 */
  private async applyPage(session: ProjectionSession, page: Page): Promise<void> {
    const { projection } = this.options;
    await session.transaction(async (tx) => {
      const [, moved] = (await tx.query(
        'update checkpoint set position = $1 where name = $2 and position = $3',
        [page.upTo, projection.name, this.saved],
      )) as [unknown, number];
      if (moved !== 1) {
        const { schema, name } = projection;
        throw new Error(`the checkpoint of ${schema}.${name} is not at ${this.saved} any more`);
      }
      if (page.events.length > 0) await projection.apply(page.events, tx);
    });
    this.saved = page.upTo;
    this.applied += page.events.length;
  }

  private moveTo(position: number): void {
    this.position = position;
    this.head = Math.max(this.head, position);
    const reached = this.waiting.filter((waiting) => waiting.position <= position);
    if (reached.length === 0) return;
    this.waiting = this.waiting.filter((waiting) => waiting.position > position);
    for (const { resolve } of reached) resolve();
  }

  private late(position: number, timeoutMs: number): Error {
    const { name } = this.options.projection;
    return new Error(
      `the read model ${name} is at ${this.position} and not at ${position} after ${timeoutMs} ms`,
      { cause: this.lastError },
    );
  }
}

export async function readCheckpoint(
  session: Pick<ProjectionSession, 'query'>,
  name: string,
  lock: '' | 'for update' = '',
): Promise<number> {
  const [row] = await session.query<{ position: string }[]>(
    `select position from checkpoint where name = $1 ${lock}`,
    [name],
  );
  return Number(row?.position ?? 0);
}
