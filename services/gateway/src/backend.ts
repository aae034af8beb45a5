/**
 * Questions and commands to the other services. Owns their subjects, how long is waited, and the
 * command id; what is decided, the services say.
 */
import {
  canonicalJson,
  type CommandAnswer,
  type DirectiveVerb,
  type RuleAnswer,
  type RuleVerb,
  type ScheduleAnswer,
  type ScheduleVerb,
  subjects,
} from '@writ/contracts';
import {
  type Bus,
  type Outgoing,
  QueryError,
  type QueryOptions,
  TimeoutError,
} from '@writ/messaging';
import { continueTrace } from '@writ/observability';
import { createHash, randomUUID } from 'node:crypto';
import type { z } from 'zod';

import { Door } from './http/door';
import { knownCode, Problem, statusOf } from './http/problem';

const COMMAND_LIMIT_MS = 10_000;

type Query<S extends z.ZodType> = { service: string; name: string; schema: S };
type Outcome = 'ok' | 'refused' | 'timeout' | 'error';
export type Measure = (kind: 'command' | 'query', outcome: Outcome, seconds: number) => void;

export interface DirectiveCommand {
  readonly verb: DirectiveVerb;
  /** As the schema of the verb wants it, before defaults. */
  readonly data: unknown;
  /** Of the sender; with the directive it makes the command id. */
  readonly idempotencyKey: string;
  readonly traceparent: string | undefined;
  /** Who is at the other end, as far as that is known. */
  readonly person: string;
}

export interface ScheduleCommand extends Omit<DirectiveCommand, 'verb'> {
  readonly verb: ScheduleVerb;
}

export interface RuleCommand extends Omit<DirectiveCommand, 'verb'> {
  readonly verb: RuleVerb;
  readonly data: { readonly name: string };
}

export interface AcceptedRuleCommand {
  readonly name: string;
  readonly commandId: string;
  readonly position: number;
  readonly version: number;
}

export interface AcceptedSchedule {
  readonly scheduleId: string;
  readonly commandId: string;
  readonly position: number;
  readonly version: number;
  readonly next: readonly string[];
  readonly directiveId?: string;
}

export interface Accepted {
  readonly directiveId: string;
  readonly commandId: string;
  readonly position: number;
  readonly version: number;
}

export class Backend {
  constructor(
    readonly bus: Bus,
    private readonly measure: Measure = () => undefined,
    private readonly door = new Door(),
  ) {}

  /** Asks one of `queries` in contracts. Throws QueryError and TimeoutError. */
  async query<S extends z.ZodType>(
    query: Query<S>,
    question: z.input<S>,
    options?: QueryOptions,
  ): Promise<unknown> {
    const subject = subjects.query(query.service, query.name);
    return this.measured('query', () =>
      this.bus.query(subject, query.schema.parse(question), options),
    );
  }

  /**
   * Sends a command and waits until the planner has decided it. Throws Problem with the planner's
   * code when it refuses; `unavailable` when no answer came: the command may be decided later, and
   * the same key gives its answer then.
   */
  async command(command: DirectiveCommand): Promise<Accepted> {
    const { verb, data, idempotencyKey } = command;
    const directiveId = (data as { directiveId?: string }).directiveId;
    const commandId = commandIdFrom(directiveId ?? '', idempotencyKey);
    return this.measured('command', async () => {
      const about = { kind: 'directive', subject: subjects.command(verb), id: directiveId };
      const answer = await this.decided<CommandAnswer>(messageOf(command, commandId, about));
      if (!answer.ok) {
        const { code, message, details } = answer.error;
        const problem = new Problem(knownCode(code), message, details);
        if (problem.code === 'overloaded') this.door.close(problem);
        throw problem;
      }
      if (verb === 'create') this.door.accepted();
      const { position, version } = answer;
      return { directiveId: answer.directiveId, commandId, position, version };
    });
  }

  /** The same of a schedule. */
  async scheduleCommand(command: ScheduleCommand): Promise<AcceptedSchedule> {
    const { verb, data, idempotencyKey } = command;
    const id = (data as { scheduleId?: string }).scheduleId;
    const commandId = commandIdFrom(id ?? 'schedule', idempotencyKey);
    return this.measured('command', async () => {
      const about = { kind: 'schedule', subject: subjects.scheduleCommand(verb), id };
      const answer = await this.decided<ScheduleAnswer>(messageOf(command, commandId, about));
      if (!answer.ok) {
        const { code, message, details } = answer.error;
        throw new Problem(knownCode(code), message, details);
      }
      const { ok: _, next = [], ...accepted } = answer;
      return { ...accepted, commandId, next };
    });
  }

  /** The same of a rule. */
  async ruleCommand(command: RuleCommand): Promise<AcceptedRuleCommand> {
    const { verb, data, idempotencyKey } = command;
    const { name } = data;
    const commandId = commandIdFrom(`rule ${name}`, idempotencyKey);
    return this.measured('command', async () => {
      const about = { kind: 'rule', subject: subjects.ruleCommand(verb), id: name };
      const answer = await this.decided<RuleAnswer>(messageOf(command, commandId, about));
      if (!answer.ok) {
        const { code, message, details } = answer.error;
        throw new Problem(knownCode(code), message, details);
      }
      const { position, version } = answer;
      return { name, commandId, position, version };
    });
  }

  private async decided<T>(message: Outgoing): Promise<T> {
    try {
      return (await this.bus.ask(message, COMMAND_LIMIT_MS)) as T;
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      const seconds = COMMAND_LIMIT_MS / 1000;
      const detail = `the planner has not answered within ${seconds} s; ask again with the same Idempotency-Key to get its answer`;
      throw new Problem('unavailable', detail);
    }
  }

  private async measured<T>(kind: 'command' | 'query', work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const tell = (outcome: Outcome) =>
      this.measure(kind, outcome, (performance.now() - start) / 1000);
    try {
      const answer = await work();
      tell('ok');
      return answer;
    } catch (error) {
      tell(outcomeOf(error));
      throw error;
    }
  }
}

function messageOf(
  { verb, data, person, traceparent }: DirectiveCommand | ScheduleCommand | RuleCommand,
  commandId: string,
  { kind, subject, id }: { kind: string; subject: string; id: string | undefined },
): Outgoing {
  return {
    subject,
    dataText: canonicalJson(data),
    // The stream would swallow a repeated message, and nobody would answer its sender; the
    // planner knows the command by its id.
    messageId: randomUUID(),
    attributes: {
      id: commandId,
      type: `writ.command.${kind}.${verb}`,
      source: '/writ/gateway',
      ...(id === undefined ? {} : { subject: id }),
      time: new Date().toISOString(),
      commandId,
      actor: { kind: 'person', id: person },
      traceparent: continueTrace(traceparent),
    },
  };
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof TimeoutError) return 'timeout';
  const code = error instanceof Problem || error instanceof QueryError ? error.code : 'internal';
  const status = statusOf[knownCode(code)];
  return status < 500 ? 'refused' : code === 'unavailable' ? 'timeout' : 'error';
}

/** The same key for the same directive is the same command, whichever gateway hears it. */
export function commandIdFrom(directiveId: string, idempotencyKey: string): string {
  const hash = createHash('sha256').update(`command\0${directiveId}\0${idempotencyKey}`).digest();
  hash[6] = (hash[6]! & 0x0f) | 0x80; // a UUID of version 8: made from what is known
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  const cuts = [0, 8, 12, 16, 20, 32];
  return cuts
    .slice(1)
    .map((end, at) => hex.slice(cuts[at], end))
    .join('-');
}
