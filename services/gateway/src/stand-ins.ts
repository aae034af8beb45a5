/**
 * The rest of the system as specs of the gateway need it: a bus in memory, on which the queries and
 * commands are answered from plain values. Not part of the service.
 */
import {
  type CommandAnswer,
  consumers,
  type DirectiveDocument,
  directiveIdFrom,
  type RecordedEvent,
  type RunDocument,
  subjects,
} from '@writ/contracts';
import { type Incoming, MemoryBus, QueryError } from '@writ/messaging';
import { createLogger, createRegistry } from '@writ/observability';
import { createHash } from 'node:crypto';

import { serve, type ServeOptions, type Served } from './serve';

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest();
export const digestOf = (bytes: Uint8Array | string) => `sha256:${sha256(bytes).toString('hex')}`;

export class StandIns {
  readonly bus = new MemoryBus({ name: 'stand-ins' });
  readonly events: RecordedEvent[] = [];
  readonly directives = new Map<string, DirectiveDocument>();
  readonly runs = new Map<string, RunDocument>();
  readonly manifests = new Map<string, string>();
  readonly content = new Map<string, Buffer>();
  readonly commands: Incoming<Record<string, unknown>>[] = [];
  decide: (command: Incoming<Record<string, unknown>>) => CommandAnswer | Promise<CommandAnswer> = (
    command,
  ) => this.decideLikeThePlanner(command);
  private readonly decided = new Map<string, { content: string; answer: CommandAnswer }>();
  private readonly uploads = new Map<string, Buffer[]>();

  async start(): Promise<void> {
    await this.bus.consume(
      consumers.plannerCommands,
      { parse: (data) => data as Record<string, unknown>, concurrency: 8 },
      async (command) => {
        this.commands.push(command);
        return this.decide(command);
      },
    );
    await this.answer('planner', 'directive', ({ id }) => found(this.directives.get(id as string)));
    await this.answer('planner', 'directives', () => [...this.directives.values()]);
    await this.answer('executor', 'run', ({ runId }) => found(this.runs.get(runId as string)));
    await this.answer('manifest', 'events', (question) => this.page(question));
    await this.answer('manifest', 'manifest', ({ id }) => {
      const manifest = found(this.manifests.get(id as string));
      return { digest: digestOf(manifest), manifest };
    });
    await this.answer('manifest', 'read-content', ({ digest, offset, length }) => {
      const bytes = found(this.content.get(digest as string));
      const from = offset as number;
      const piece = bytes.subarray(from, from + (length as number));
      return { bytes: piece.toString('base64'), total: bytes.length };
    });
    await this.answer('manifest', 'write-content', (piece) => this.write(piece));
  }

  async answer(
    service: string,
    name: string,
    handler: (data: Record<string, unknown>, progress: (state: unknown) => void) => unknown,
  ): Promise<void> {
    await this.bus.answer(subjects.query(service, name), async (data, progress) =>
      handler(data as Record<string, unknown>, progress),
    );
  }

  append(stream: string, type = 'Happened', data: object = {}): RecordedEvent {
    const position = this.events.length + 1;
    const event = { position, stream, type, data, version: 1 } as unknown as RecordedEvent;
    this.events.push(event);
    const subject = subjects.event(
      stream.split('-')[0]!,
      stream.slice(stream.indexOf('-') + 1),
      type,
    );
    this.bus.broadcast(subject, Buffer.from('{}'));
    return event;
  }

  keep(bytes: Buffer): string {
    this.content.set(digestOf(bytes), bytes);
    return digestOf(bytes);
  }

  private page({ after, limit, directiveId }: Record<string, unknown>) {
    const id = directiveId as string | undefined;
    const events = this.events
      .filter((it) => it.position > (after as number))
      .filter((it) => id === undefined || it.stream.split('-')[1] === id)
      .slice(0, limit as number);
    return { events, headPosition: this.events.length };
  }

  private write({ bytes, uploadId, last }: Record<string, unknown>) {
    const pieces = this.uploads.get(uploadId as string) ?? [];
    pieces.push(Buffer.from(bytes as string, 'base64'));
    this.uploads.set(uploadId as string, pieces);
    const whole = Buffer.concat(pieces);
    return last === true
      ? { digest: this.keep(whole), bytes: whole.length }
      : { received: whole.length };
  }

  /** The first answer for a command id, and a refusal when the same id comes with other content. */
  private decideLikeThePlanner({
    attributes,
    data,
  }: Incoming<Record<string, unknown>>): CommandAnswer {
    const content = JSON.stringify(data);
    const before = this.decided.get(attributes.id);
    if (before !== undefined && before.content !== content) {
      const message = 'the command id was used with other content';
      return { ok: false, error: { code: 'command_reused', message } };
    }
    const directiveId =
      (data['directiveId'] as string | undefined) ?? directiveIdFrom(attributes.id, sha256);
    const position = this.decided.size + 1;
    const answer = before?.answer ?? { ok: true as const, directiveId, version: 1, position };
    this.decided.set(attributes.id, { content, answer });
    return answer;
  }
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new QueryError('not_found', 'there is no such thing');
  return value;
}

export interface GatewayUnderTest {
  readonly url: string;
  readonly standIns: StandIns;
  stop(): Promise<void>;
}

export async function startGateway(options: Partial<ServeOptions> = {}): Promise<GatewayUnderTest> {
  const standIns = new StandIns();
  await standIns.start();
  const bus = new MemoryBus({ server: standIns.bus.server, name: 'gateway' });
  const logger = createLogger({ service: 'gateway', instance: 'spec', level: 'silent' });
  const registry = createRegistry('gateway', '0.0.0');
  const parts = { bus, deadLetters: bus.deadLetters, logger, registry };
  const served: Served = await serve(parts, { host: '127.0.0.1', port: 0, ...options });
  const stop = async () => {
    await served.stop();
    await bus.drain(0);
    await standIns.bus.drain(0);
  };
  return { url: served.url, standIns, stop };
}
