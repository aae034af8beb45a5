/** What handing work to workers needs of a bus. `Bus` of messaging is one. */
import type { ConsumerDefinition } from '@writ/contracts';

export interface OfferedMessage {
  readonly subject: string;
  readonly dataText: string;
  readonly attributes: {
    readonly id: string;
    readonly type: string;
    readonly source: string;
    readonly subject?: string;
    readonly time?: string;
  };
}

export interface WorkerBus {
  offer(queue: ConsumerDefinition, message: OfferedMessage): Promise<void>;
  backlog(
    queues: readonly ConsumerDefinition[],
  ): Promise<{ readonly waiting: number; readonly inHands: number }>;
  answer(
    subject: string,
    handler: (data: unknown) => Promise<unknown>,
  ): Promise<{ close(): Promise<void> }>;
  broadcast(subject: string, bytes: Uint8Array): void;
}
