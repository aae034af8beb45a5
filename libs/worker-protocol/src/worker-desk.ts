/**
 * Where a process hands work to workers. Owns the answering of what they say: while a piece of work is
 * handed out, and for a while after its end, so that who comes late is told and not left to guess.
 */
import type { Clock } from '@writ/contracts';
import { Handing, type HandingOptions, type WorkerEnd } from './handing';
import type { WorkerBus } from './worker-bus';

export interface WorkerDeskOptions {
  readonly bus: WorkerBus;
  readonly clock: Clock;
  /** Makes tokens; nobody can guess one. */
  readonly newToken: () => string;
  /** A worker that has taken work and says nothing for so long counts as dead. */
  readonly silenceMs: number;
}

export interface Asked extends Omit<
  HandingOptions,
  'bus' | 'clock' | 'token' | 'silenceMs' | 'handing'
> {
  /** Default: one that there was not before. */
  readonly handing?: string;
}

/** A worker that is not answered says its result again for so long. */
const ANSWERING_AFTER_MS = 60_000;

export class WorkerDesk {
  private readonly ending = new Set<() => Promise<void>>();
  private closed = false;

  constructor(private readonly options: WorkerDeskOptions) {}

  /** Throws a TerminalError for work that no message can carry. */
  async hand(asked: Asked): Promise<WorkerEnd> {
    const { bus, clock, newToken, silenceMs } = this.options;
    const { handing: named = newToken() } = asked;
    const given = { ...asked, handing: named, bus, clock, token: newToken(), silenceMs };
    const handing = new Handing(given);
    const answering = await bus.answer(handing.replyTo, (data) => handing.hear(data));
    try {
      return await handing.carryOut();
    } finally {
      if (this.closed) await answering.close();
      else this.endLater(() => answering.close());
    }
  }

  /** Who comes late is told nothing any more. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.ending].map((end) => end()));
  }

  private endLater(close: () => Promise<void>): void {
    const end = async () => {
      this.ending.delete(end);
      takeBack();
      await close();
    };
    // What cannot be closed any more, since its bus is, is closed.
    const takeBack = this.options.clock.after(ANSWERING_AFTER_MS, () => {
      end().catch(() => undefined);
    });
    this.ending.add(end);
  }
}
