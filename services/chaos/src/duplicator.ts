/**
 * Delivers every message twice more, later and so in another order: what it hears on the bus it sends
 * again as a message of its own, under ids that no server and no window has seen.
 *
 * A copy is never copied. What is heard while the server is away is not: a help for chance, no record.
 */
import { randomUUID } from 'node:crypto';
import { type SeededRandom, seededRandom } from '@writ/testing';
import { connect, headers, type Msg, type NatsConnection } from 'nats';
import type { Harness } from './harness';

/** Everything that consumers take: commands, work, and what has happened. */
const subjects = ['writ.command.>', 'writ.work.>', 'writ.evaluate.>', 'writ.event.>'];
const MARK = 'chaos-copy';
const COPIES = 2;

export interface DuplicatorOptions {
  readonly seed: number;
  /** No copy comes later than this after its original. */
  readonly latestMs?: number;
}

export class Duplicator {
  /** Messages by the first word of what they are: work, event, ... */
  readonly heard = new Map<string, number>();
  copies = 0;
  private readonly random: SeededRandom;
  private readonly latestMs: number;
  private readonly due = new Set<NodeJS.Timeout>();

  private constructor(
    private readonly connection: NatsConnection,
    { seed, latestMs = 2_000 }: DuplicatorOptions,
  ) {
    this.random = seededRandom(seed);
    this.latestMs = latestMs;
  }

  static async start(
    { natsAddress }: Pick<Harness, 'natsAddress'>,
    options: DuplicatorOptions,
  ): Promise<Duplicator> {
    const connection = await connect({ ...natsAddress, maxReconnectAttempts: -1 });
    const duplicator = new Duplicator(connection, options);
    for (const subject of subjects) {
      connection.subscribe(subject, { callback: (_, message) => duplicator.hear(message) });
    }
    await connection.flush();
    return duplicator;
  }

  /** Copies that are not due yet are not sent. */
  async stop(): Promise<void> {
    for (const timer of this.due) clearTimeout(timer);
    await this.connection.close();
  }

  private hear(message: Msg): void {
    if (message.headers?.has(MARK) === true) return;
    const kind = message.subject.split('.')[1]!;
    this.heard.set(kind, (this.heard.get(kind) ?? 0) + 1);
    for (let copy = 0; copy < COPIES; copy += 1) {
      const timer = setTimeout(
        () => {
          this.due.delete(timer);
          this.send(message);
        },
        this.random.int(0, this.latestMs),
      );
      this.due.add(timer);
    }
  }

  private send({ subject, data, headers: original }: Msg): void {
    const own = headers();
    for (const [name, values] of original ?? []) {
      for (const value of values) own.append(name, value);
    }
    own.set('Nats-Msg-Id', randomUUID());
    own.set(MARK, 'yes');
    this.connection.publish(subject, data, { headers: own });
    this.copies += 1;
  }
}
