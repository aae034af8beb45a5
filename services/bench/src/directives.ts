/**
 * A client that submits directives over NATS and hears when they have ended, and of nothing else: what
 * measures must not be what is waited for.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import {
  subjects,
  type CommandAnswer,
  type DirectiveDocument,
  type DirectiveFileInput,
  type RetryLater,
} from '@writ/contracts';
import { connectJetStreamBus, type Bus } from '@writ/messaging';

export type End = 'DirectiveCompleted' | 'DirectiveFailed' | 'DirectiveStopped';
const ends: readonly End[] = ['DirectiveCompleted', 'DirectiveFailed', 'DirectiveStopped'];

export interface Ended {
  readonly directiveId: string;
  readonly type: End;
  /** From the sending of its command to the hearing of its end. */
  readonly ms: number;
}

const limitMs = 600_000;
const answerLimitMs = 60_000;

export class Directives {
  private readonly waiting = new Map<string, (type: End) => void>();
  /** Ends heard before the answer to the command came. */
  private readonly early = new Map<string, End>();

  private constructor(private readonly bus: Bus) {}

  static async open(natsUrl: string): Promise<Directives> {
    const bus = await connectJetStreamBus({ servers: natsUrl, name: 'bench' });
    const directives = new Directives(bus);
    for (const type of ends) {
      await bus.listen(subjects.event('directive', '*', type), (subject) => {
        directives.heard(subject.split('.')[3] ?? '', type);
      });
    }
    return directives;
  }

  /** Submits and waits for the end. */
  async run(directive: DirectiveFileInput): Promise<Ended> {
    const began = performance.now();
    const directiveId = await this.accepted(directive);
    const type = await this.endOf(directiveId);
    return { directiveId, type, ms: performance.now() - began };
  }

  /** Comes again as long as there is no room, as a client should. */
  async accepted(directive: DirectiveFileInput): Promise<string> {
    const id = randomUUID();
    for (;;) {
      const answer = await this.submit(directive, answerLimitMs, id);
      if (answer.ok) return answer.directiveId;
      const { code, message, details } = answer.error;
      if (code !== 'overloaded') throw new Error(`refused: ${code}: ${message}`);
      await wait((details as RetryLater).retryAfterMs);
    }
  }

  submit(
    directive: DirectiveFileInput,
    timeoutMs = answerLimitMs,
    id: string = randomUUID(),
  ): Promise<CommandAnswer> {
    return this.submitText(JSON.stringify({ directive }), timeoutMs, id);
  }

  /** The body of the command as it is. */
  submitText(
    dataText: string,
    timeoutMs: number,
    id: string = randomUUID(),
  ): Promise<CommandAnswer> {
    const message = {
      subject: subjects.command('create'),
      dataText,
      attributes: { id, type: 'writ.command.directive.create', source: '/writ/bench' },
    };
    return this.bus.ask(message, timeoutMs) as Promise<CommandAnswer>;
  }

  endOf(id: string): Promise<End> {
    const heard = this.early.get(id);
    this.early.delete(id);
    if (heard !== undefined) return Promise.resolve(heard);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`directive ${id} has not ended within ${limitMs} ms`)),
        limitMs,
      );
      this.waiting.set(id, (type) => {
        clearTimeout(timer);
        this.waiting.delete(id);
        resolve(type);
      });
    });
  }

  /** Any other command on a directive. */
  tell(verb: string, directiveId: string, more: object = {}): Promise<CommandAnswer> {
    const type = `writ.command.directive.${verb}`;
    const message = {
      subject: subjects.command(verb),
      dataText: JSON.stringify({ directiveId, ...more }),
      attributes: { id: randomUUID(), type, source: '/writ/bench' },
    };
    return this.bus.ask(message, answerLimitMs) as Promise<CommandAnswer>;
  }

  /** Events of a type as they pass, with the id of what they happened to. */
  async hear(
    aggregate: string,
    type: string,
    call: (id: string, data: unknown) => void,
  ): Promise<void> {
    await this.bus.listen(subjects.event(aggregate, '*', type), (subject, bytes) => {
      call(subject.split('.')[3] ?? '', JSON.parse(Buffer.from(bytes).toString()));
    });
  }

  async show(id: string): Promise<DirectiveDocument> {
    const subject = subjects.query('planner', 'directive');
    return (await this.bus.query(subject, { id })) as DirectiveDocument;
  }

  query(service: string, name: string, question: unknown, silenceMs: number): Promise<unknown> {
    const onProgress = () => undefined;
    return this.bus.query(subjects.query(service, name), question, {
      timeoutMs: silenceMs,
      onProgress,
    });
  }

  close(): Promise<void> {
    return this.bus.drain(1_000);
  }

  private heard(id: string, type: End): void {
    const resolve = this.waiting.get(id);
    if (resolve === undefined) this.early.set(id, type);
    else resolve(type);
  }
}

/** A measurement in which something failed measures nothing. */
export function requireCompleted(ended: readonly Pick<Ended, 'type'>[]): void {
  const other = ended.find(({ type }) => type !== 'DirectiveCompleted');
  if (other !== undefined)
    throw new Error(`a directive ended as ${other.type}; nothing is measured`);
}
