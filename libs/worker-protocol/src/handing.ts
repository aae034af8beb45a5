/**
 * One handing out of a piece of work, from the queue to its end. Owns whose messages count, and when a
 * worker is given up. What is said is in `worker-messages.ts` of contracts, and in docs/WORKERS.md for
 * those who write workers.
 *
 * H1 One worker has the work: the first whose `accepted` is answered with yes. What counts bears the
 *    token of this handing and the name of that worker.
 * H2 A result is answered when its receiver has recorded it, and as often as it is said: a worker that
 *    repeats it until then loses none and harms nobody.
 * H3 As long as no worker has it, the work is put into the queue again when that has lost it.
 * H4 Who has taken the work and is silent for `silenceMs` counts as dead.
 * H5 What comes after the end is refused.
 */
import {
  every,
  subjects,
  TerminalError,
  WORKER_PROTOCOL,
  WorkerMessage,
  workerQueue,
  type Clock,
  type WorkerAnswer,
  type WorkerCancel,
  type WorkerRefusal,
  type WorkerResult,
  type WorkerVerdict,
  type WorkerWork,
} from '@writ/contracts';
import type { WorkerBus } from './worker-bus';

type Ours = 'protocol' | 'token' | 'replyTo' | 'cancelOn' | 'deadline' | 'heartbeatMs';

export interface HandingOptions {
  readonly bus: WorkerBus;
  readonly clock: Clock;
  /** Of the worker. */
  readonly name: string;
  readonly work: Omit<WorkerWork, Ours>;
  /** Names this handing among those of the run; a part of a subject. */
  readonly handing: string;
  /** Nobody can guess it. */
  readonly token: string;
  /** From now to the result. */
  readonly timeoutMs: number;
  readonly silenceMs: number;
  readonly stop: AbortSignal;
  readonly progress?: (said: { readonly percent?: number; readonly text?: string }) => void;
}

export type WorkerEnd =
  | {
      readonly kind: 'answered';
      readonly said: WorkerResult | WorkerVerdict;
      /** Has to be called: the worker waits for its answer (H2). */
      recorded(yes: boolean): void;
    }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'silent' }
  | { readonly kind: 'late'; readonly taken: boolean }
  | { readonly kind: 'stopped' };

const LOOK_MS = 500;
/** H3: an empty queue is looked for so often, and one with something in it believed for so long. */
const LOST_AFTER_MS = 3_000;
const BELIEVED_FOR_MS = 60_000;
/** A worker has so many chances to be heard in the time in which it must not be silent. */
const HEARTBEATS = 4;

export class Handing {
  private state: 'offered' | 'taken' | 'answered' | 'over' = 'offered';
  private worker: string | undefined;
  private refusal: WorkerRefusal = 'ended';
  private heardAt = 0;
  private offeredAt = 0;
  private offers = 0;
  private offering = false;
  private end: (end: WorkerEnd) => void = () => undefined;
  private recorded: (yes: boolean) => void = () => undefined;
  private readonly ended: Promise<WorkerEnd>;
  private readonly recording: Promise<boolean>;
  readonly replyTo: string;

  constructor(private readonly given: HandingOptions) {
    const { name, work, handing } = given;
    this.replyTo = subjects.workerSays(name, work.runId, handing);
    this.ended = new Promise((resolve) => (this.end = resolve));
    this.recording = new Promise((resolve) => (this.recorded = resolve));
  }

  /** Somebody has to answer on `replyTo` with `hear` meanwhile. Throws a TerminalError. */
  async carryOut(): Promise<WorkerEnd> {
    const { clock, stop, timeoutMs } = this.given;
    const stopped = () => this.giveUp({ kind: 'stopped' }, 'cancelled');
    const takeBack = [
      every(clock, LOOK_MS, () => this.look()),
      clock.after(timeoutMs, () => {
        this.giveUp({ kind: 'late', taken: this.state === 'taken' }, 'ended');
      }),
    ];
    stop.addEventListener('abort', stopped, { once: true });
    try {
      if (stop.aborted) stopped();
      else await this.offer();
      return await this.ended;
    } finally {
      stop.removeEventListener('abort', stopped);
      for (const call of takeBack) call();
    }
  }

  /** What a worker says, and the answer to it. */
  async hear(data: unknown): Promise<WorkerAnswer> {
    const read = WorkerMessage.safeParse(data);
    if (!read.success) {
      const [issue] = read.error.issues;
      return refuse('malformed', `${issue?.path.join('.') || 'it'}: ${issue?.message}`);
    }
    const said = read.data;
    if (said.token !== this.given.token) {
      return refuse('stale', 'this is not the token of the work'); // H1
    }
    if (this.state === 'over') return refuse(this.refusal, 'nobody waits for this any more'); // H5
    if (this.worker === undefined) return this.hearFirst(said);
    if (said.worker !== this.worker) return refuse('taken', 'another worker has it'); // H1
    this.heardAt = this.given.clock.now();
    return this.hearTaker(said);
  }

  private hearFirst(said: WorkerMessage): WorkerAnswer {
    if (said.kind === 'refused') return this.refusedBy(said.reason);
    if (said.kind !== 'accepted') return refuse('stale', 'it was not accepted first');
    this.worker = said.worker;
    this.state = 'taken';
    this.heardAt = this.given.clock.now();
    return { ok: true };
  }

  private async hearTaker(said: WorkerMessage): Promise<WorkerAnswer> {
    switch (said.kind) {
      case 'accepted':
      case 'heartbeat':
        return { ok: true };
      case 'progress':
        this.given.progress?.({ percent: said.percent, text: said.text });
        return { ok: true };
      case 'refused':
        return this.refusedBy(said.reason);
      case 'result':
      case 'verdict':
        return this.answered(said);
    }
  }

  private refusedBy(reason: string): WorkerAnswer {
    this.state = 'over';
    this.end({ kind: 'refused', reason });
    return { ok: true };
  }

  /** H2 */
  private async answered(said: WorkerResult | WorkerVerdict): Promise<WorkerAnswer> {
    const { task } = this.given.work;
    if ((said.kind === 'result') !== (task === 'step')) {
      return refuse('malformed', `a ${task} does not end with a ${said.kind}`);
    }
    if (this.state === 'taken') {
      this.state = 'answered';
      this.end({ kind: 'answered', said, recorded: this.recorded });
    }
    if (await this.recording) return { ok: true };
    return refuse('stale', 'the work has become somebody else’s');
  }

  private giveUp(end: WorkerEnd, refusal: WorkerRefusal): void {
    if (this.state !== 'offered' && this.state !== 'taken') return;
    this.state = 'over';
    this.refusal = refusal;
    const { bus, name, work, token } = this.given;
    const word: WorkerCancel = {
      ...{ protocol: WORKER_PROTOCOL, runId: work.runId, token },
      reason: end.kind === 'stopped' ? 'it is cancelled' : 'its time is over',
    };
    const subject = subjects.workerCancel(name, work.runId);
    bus.broadcast(subject, Buffer.from(JSON.stringify(word)));
    this.end(end);
  }

  private look(): void {
    const now = this.given.clock.now();
    if (this.state === 'taken' && now - this.heardAt > this.given.silenceMs) {
      this.giveUp({ kind: 'silent' }, 'stale'); // H4
    }
    if (this.state !== 'offered' || this.offering) return;
    if (now - this.offeredAt < LOST_AFTER_MS) return;
    // What is away may be back the next time.
    this.offerIfLost(now).catch(() => undefined);
  }

  /** H3 */
  private async offerIfLost(now: number): Promise<void> {
    const { bus, name } = this.given;
    const old = now - this.offeredAt >= BELIEVED_FOR_MS;
    const { waiting, inHands } = await bus.backlog([workerQueue(name)]);
    if (this.state === 'offered' && (old || waiting + inHands === 0)) await this.offer();
  }

  private async offer(): Promise<void> {
    const { bus, name, clock, work, handing } = this.given;
    this.offering = true;
    this.offers += 1;
    try {
      await bus.offer(workerQueue(name), {
        subject: subjects.workerWork(name),
        dataText: JSON.stringify(this.message()),
        attributes: {
          id: `${work.runId}-${handing}-o${this.offers}`,
          ...{ type: 'writ.worker.work', source: '/writ', subject: work.runId },
          time: clock.time(),
        },
      });
    } catch (error) {
      if (error instanceof TerminalError) throw error;
      // NATS is away or full: the next look offers it again (H3).
    } finally {
      this.offering = false;
      this.offeredAt = clock.now();
    }
  }

  /** The token stands before anything that the directive says: simple readers find it first. */
  private message(): WorkerWork {
    const { name, work, token, clock, timeoutMs, silenceMs } = this.given;
    const { task, runId, input, ...more } = work;
    return {
      ...{ protocol: WORKER_PROTOCOL, task, runId, token, replyTo: this.replyTo },
      cancelOn: subjects.workerCancel(name, runId),
      heartbeatMs: Math.round(silenceMs / HEARTBEATS),
      deadline: new Date(Date.parse(clock.time()) + timeoutMs).toISOString(),
      ...more,
      input: input ?? null,
    };
  }
}

const refuse = (code: WorkerRefusal, message: string): WorkerAnswer => ({
  ok: false,
  code,
  message,
});
