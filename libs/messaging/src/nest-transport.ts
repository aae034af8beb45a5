/**
 * Nest's door to the bus: decorated methods become reactions and answers, with Nest's guards, pipes
 * and interceptors around them. Owns that nothing of Nest turns a failed reaction into a success:
 * what counts is how the method itself ended.
 *
 * `close` drains the bus, and Nest closes its transports before `onApplicationShutdown`: what
 * reactions work with (a pool, a log) is to be closed there, not in `onModuleDestroy`.
 */
import { Server } from '@nestjs/microservices';
import type { CustomTransportStrategy, MessageHandler } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import type { Bus } from './bus';
import { openRecord, recordOf } from './call-record';
import { JETSTREAM, register } from './hears';
import type { Declaration } from './hears';

export interface TransportOptions {
  readonly bus: Bus;
  /** How long reactions may go on when the process stops. */
  readonly graceMs: number;
}

export class JetStreamTransport extends Server implements CustomTransportStrategy {
  override readonly transportId = JETSTREAM;

  constructor(private readonly options: TransportOptions) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    this.registerAll().then(
      () => callback(),
      (error: unknown) => callback(error),
    );
  }

  async close(): Promise<void> {
    await this.options.bus.drain(this.options.graceMs);
  }

  on(): void {
    // A bus has no events of its own to hear: see its health, its logger and its metrics.
  }

  unwrap<T>(): T {
    return this.options.bus as T;
  }

  private async registerAll(): Promise<void> {
    for (const [pattern, handler] of this.messageHandlers) {
      const declaration = handler.extras?.['declaration'] as Declaration | undefined;
      if (!declaration) {
        throw new Error(
          `the handler of ${pattern} is not declared for this transport: use @Hears or @Answers`,
        );
      }
      if (handler.next)
        throw new Error(`two methods hear ${pattern}; one process has one reaction`);
      await register(this.options.bus, declaration, reactionOf(pattern, declaration, handler));
    }
  }
}

function reactionOf(pattern: string, declaration: Declaration, handler: MessageHandler) {
  // The object by which a call is known: the message, or the sign of progress of a query.
  const at = declaration.kind === 'hears' ? 0 : 1;
  return async (...args: unknown[]): Promise<unknown> => {
    const key = args[at] as object;
    openRecord(key);
    let value: unknown;
    let trouble: unknown;
    try {
      const result: unknown = await handler(args[0], args[1]);
      value = isObservable(result)
        ? await lastValueFrom(result, { defaultValue: undefined })
        : result;
    } catch (error) {
      trouble = error ?? new Error(`an interceptor of ${pattern} failed`);
    }
    const record = recordOf(key);
    if (record.state === 'threw') throw record.error;
    if (trouble !== undefined) throw asError(trouble);
    if (record.state === 'returned') return value;
    throw new Error(`a guard, pipe, interceptor or filter answered in place of ${pattern}`);
  };
}

/** Nest's last filter throws plain objects. */
function asError(trouble: unknown): Error {
  return trouble instanceof Error ? trouble : new Error(`refused: ${JSON.stringify(trouble)}`);
}
