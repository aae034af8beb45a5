/**
 * Plays Writ against a worker: hands out work over a real NATS, answers what the worker says, and keeps
 * all of it. Owns the queue and the stream while it lasts; what is asked of the worker is in
 * `cases.ts`.
 */
import { randomBytes } from 'node:crypto';
import {
  streams,
  subjects,
  WORKER_PROTOCOL,
  WorkerMessage,
  workerQueue,
  type WorkerAnswer,
  type WorkerWork,
} from '@writ/contracts';
import {
  AckPolicy,
  connect,
  nanos,
  RetentionPolicy,
  StorageType,
  type Msg,
  type NatsConnection,
} from 'nats';

export interface Said {
  readonly message: WorkerMessage;
  /** As it came, for comparing what is repeated. */
  readonly text: string;
  readonly at: number;
  readonly answer: WorkerAnswer | undefined;
}

export interface HandOut {
  readonly input: unknown;
  /** Changes the work before it is sent: what a later version may send. */
  readonly alter?: (work: WorkerWork) => object;
  /** Instead of the usual answer; undefined says nothing. */
  readonly answer?: (message: WorkerMessage, usual: WorkerAnswer) => WorkerAnswer | undefined;
  readonly answerAfterMs?: number;
}

const DIRECTIVE = 'conformancetests';
const ok: WorkerAnswer = { ok: true };
const no = (code: 'taken' | 'stale' | 'ended', message: string): WorkerAnswer => ({
  ...{ ok: false, code, message },
});

/** A piece of work that was handed out, and all that was said about it. */
export class Piece {
  readonly said: Said[] = [];
  /** What was of no known form. */
  readonly unread: string[] = [];
  private owner: string | undefined;
  private ended = false;
  private left = false;
  private told: () => void = () => undefined;

  constructor(
    readonly work: WorkerWork,
    readonly how: HandOut,
  ) {}

  /** The answer to one message, undefined for none. */
  hear(bytes: Uint8Array): WorkerAnswer | undefined {
    const text = Buffer.from(bytes).toString('utf8');
    const message = readMessage(text);
    if (typeof message === 'string') {
      this.unread.push(message);
      this.told();
      return { ok: false, code: 'malformed', message };
    }
    const usual = this.usualAnswer(message);
    const answer = this.how.answer ? this.how.answer(message, usual) : usual;
    this.said.push({ message, text, at: performance.now(), answer });
    if (answer?.ok === true && /^(result|verdict|refused)$/.test(message.kind)) this.ended = true;
    this.told();
    return answer;
  }

  of(kind: WorkerMessage['kind']): Said[] {
    return this.said.filter(({ message }) => message.kind === kind);
  }

  /** True when it has come to that within so long. */
  async until(isThere: () => boolean, withinMs: number): Promise<boolean> {
    const deadline = performance.now() + withinMs;
    while (!isThere()) {
      if (this.left) return false;
      const left = deadline - performance.now();
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 250));
        this.told = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return true;
  }

  /** Nobody waits for anything any more. */
  leave(): void {
    this.left = true;
    this.told();
  }

  private usualAnswer({ token, worker, kind }: WorkerMessage): WorkerAnswer {
    if (token !== this.work.token) return no('stale', 'this is not the token of the work');
    if (kind === 'accepted' && this.owner === undefined && !this.ended) this.owner = worker;
    if (kind === 'refused' && this.owner === undefined) return ok;
    if (this.owner === undefined) return no('stale', 'it was not accepted first');
    return worker === this.owner ? ok : no('taken', 'another worker has it');
  }
}

export class Orchestrator {
  private readonly pieces = new Map<string, Piece>();
  private count = 0;

  private constructor(
    private readonly nats: NatsConnection,
    private readonly name: string,
    private readonly heartbeatMs: number,
  ) {}

  static async connect(
    servers: string,
    token: string | undefined,
    name: string,
    heartbeatMs: number,
  ): Promise<Orchestrator> {
    const nats = await connect({ servers, token, name: 'writ-conformance' });
    const orchestrator = new Orchestrator(nats, name, heartbeatMs);
    await orchestrator.makeQueue();
    const says = subjects.workerSays(name, '*', '*');
    nats.subscribe(says, { callback: (_, message) => void orchestrator.heard(message) });
    await nats.flush();
    return orchestrator;
  }

  /** Sends the work, twice if need be: as Writ does when it cannot tell whether it arrived. */
  async hand(how: HandOut, copies = 1): Promise<Piece> {
    this.count += 1;
    const runId = `${DIRECTIVE}-g1-case-a${this.count}`;
    const work: WorkerWork = {
      ...{ protocol: WORKER_PROTOCOL, task: 'step', runId, token: randomBytes(16).toString('hex') },
      replyTo: subjects.workerSays(this.name, runId, 'c1t1'),
      cancelOn: subjects.workerCancel(this.name, runId),
      heartbeatMs: this.heartbeatMs,
      deadline: new Date(Date.now() + 600_000).toISOString(),
      ...{ directiveId: DIRECTIVE, step: 'case', attempt: this.count, try: 1 },
      ...{ inputs: [], dependencies: [], input: how.input },
    };
    const piece = new Piece(work, how);
    this.pieces.set(work.replyTo, piece);
    const bytes = JSON.stringify(how.alter ? how.alter(work) : work);
    for (let copy = 0; copy < copies; copy += 1) {
      await this.nats.jetstream().publish(subjects.workerWork(this.name), bytes);
    }
    return piece;
  }

  cancel({ work }: Piece): void {
    const { runId, token, cancelOn } = work;
    const word = { protocol: WORKER_PROTOCOL, runId, token, reason: 'it is cancelled' };
    this.nats.publish(cancelOn, JSON.stringify(word));
  }

  async close(): Promise<void> {
    for (const piece of this.pieces.values()) piece.leave();
    const manager = await this.nats.jetstreamManager();
    const { stream, name } = workerQueue(this.name);
    await manager.consumers.delete(stream, name).catch(() => undefined); // gone with its server
    await this.nats.close();
  }

  private async heard(message: Msg): Promise<void> {
    const piece = this.pieces.get(message.subject);
    const answer = piece?.hear(message.data);
    if (answer === undefined || piece === undefined) return;
    const { answerAfterMs = 0 } = piece.how;
    if (answerAfterMs > 0) await new Promise((resolve) => setTimeout(resolve, answerAfterMs));
    // What is not known yet has to be ignored by a worker.
    message.respond(JSON.stringify({ ...answer, since: 'a later version' }));
  }

  private async makeQueue(): Promise<void> {
    const manager = await this.nats.jetstreamManager();
    const { name, subjects: taken } = streams.workers;
    await manager.streams.info(name).catch(() =>
      manager.streams.add({
        ...{ name, subjects: [...taken], max_bytes: 64 * 1024 * 1024 },
        ...{ retention: RetentionPolicy.Workqueue, storage: StorageType.Memory },
      }),
    );
    const queue = workerQueue(this.name);
    await manager.consumers.add(name, {
      durable_name: queue.name,
      filter_subject: queue.subject,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(queue.ackWaitMs),
    });
  }
}

function readMessage(text: string): WorkerMessage | string {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return `it is no JSON: ${text.slice(0, 100)}`;
  }
  const read = WorkerMessage.safeParse(data);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  return `${issue?.path.join('.') || 'it'}: ${issue?.message} in ${text.slice(0, 200)}`;
}
