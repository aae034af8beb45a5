/**
 * Takes a directive command, decides it, answers. The same command id again gets its first answer
 * again, whatever happened in between.
 */
import {
  directiveCommands,
  directiveIdFrom,
  directiveVerbs,
  isRefusal,
  streamOf,
  TerminalError,
  type Actor,
  type CommandAnswer,
  type DirectiveCommandData,
  type DirectiveVerb,
  type Refusal,
} from '@writ/contracts';
import { planFor, refusedPlan, type DirectiveCommand, type DirectiveOrder } from '@writ/domain';
import type { Incoming } from '@writ/messaging';
import { formatTraceparent, parseTraceparent } from '@writ/observability';
import { toFork } from './fork-directive';
import { hearPerson, type Said } from './hear-person';
import { decide, digestOf, sha256, type Decided, type Planner } from './planner';

export type ParsedCommand = {
  [V in DirectiveVerb]: { readonly verb: V; readonly data: DirectiveCommandData<V> };
}[DirectiveVerb];

/** Reads the data of `writ.command.directive.<verb>`; throws when it does not fit. */
export function parseCommand(data: unknown, subject: string): ParsedCommand {
  const verb = subject.slice(subject.lastIndexOf('.') + 1) as DirectiveVerb;
  if (!directiveVerbs.includes(verb)) {
    const known = directiveVerbs.join(', ');
    throw new TerminalError('malformed', `"${verb}" is no directive command; there are ${known}`);
  }
  return { verb, data: directiveCommands[verb].parse(data) } as ParsedCommand;
}

export async function decideCommand(
  deps: Planner,
  message: Incoming<ParsedCommand>,
): Promise<CommandAnswer> {
  const { verb, data } = message.data;
  const commandId = message.attributes.commandId ?? message.attributes.id;
  const directiveId = data.directiveId ?? directiveIdFrom(commandId, sha256);
  const actor: Actor = message.attributes.actor ?? { kind: 'person', id: 'unknown' };
  const command = await toCommand(deps, commandId, directiveId, message.data, actor);
  if (isRefusal(command)) return answerRefusal(deps, verb, command);
  const decided = await decide(deps, directiveId, command, {
    commandId,
    causationId: message.attributes.causationId,
    actor,
    traceparent: await traceOf(deps, verb, directiveId, message.attributes.traceparent),
  });
  if (isRefusal(decided)) return answerRefusal(deps, verb, decided);
  return answer(deps, verb, commandId, decided);
}

/**
 * One trace for all that happens to a directive: that of its creation, whoever commands it later. A
 * creator who has none gets one that follows from the id, the same when the command is repeated.
 */
async function traceOf(
  deps: Planner,
  verb: DirectiveVerb,
  directiveId: string,
  given: string | undefined,
): Promise<string> {
  if (verb !== 'create' && verb !== 'fork') {
    const { state } = await deps.directives.load(streamOf.directive(directiveId));
    if (state.status !== 'absent' && state.traceparent !== undefined) return state.traceparent;
  }
  if (given !== undefined && parseTraceparent(given) !== undefined) return given;
  const hash = Buffer.from(sha256(`trace:${directiveId}`)).toString('hex');
  const [traceId, spanId] = [hash.slice(0, 32), hash.slice(32, 48)];
  return formatTraceparent({ traceId, spanId, traceFlags: 1 });
}

async function toCommand(
  deps: Planner,
  commandId: string,
  directiveId: string,
  { verb, data }: ParsedCommand,
  actor: Actor,
): Promise<DirectiveCommand | Refusal> {
  switch (verb) {
    case 'create':
      return toCreate(commandId, directiveId, data);
    case 'fork':
      return toFork(deps, commandId, directiveId, data);
    case 'approve':
    case 'deny':
    case 'ask':
    case 'answer':
      return hearPerson(deps, commandId, { verb, data } as Said, actor);
    default: {
      const { directiveId: _, ...order } = data;
      return { ...order, type: verb, commandId } as DirectiveOrder;
    }
  }
}

export function toCreate(
  commandId: string,
  directiveId: string,
  data: DirectiveCommandData<'create'>,
): Extract<DirectiveCommand, { type: 'create' }> | Refusal {
  const { directive, start } = data;
  const plan = planFor(directive);
  if ('issues' in plan) return refusedPlan(plan.issues);
  return {
    type: 'create',
    commandId,
    directiveId,
    ...plan,
    contentDigest: digestOf({ directive, start }),
    start,
  };
}

function answer(
  deps: Planner,
  verb: DirectiveVerb,
  commandId: string,
  { directive, events }: Decided,
): CommandAnswer {
  const first = directive.answers.get(commandId);
  if (first === undefined) throw new Error(`command ${commandId} left no answer in its directive`);
  if ('refused' in first) {
    const { refused, message, details } = first;
    deps.metrics.commands.inc({ verb, outcome: 'refused' });
    return { ok: false, error: { code: refused, message, details } };
  }
  deps.metrics.commands.inc({ verb, outcome: events.length > 0 ? 'accepted' : 'repeated' });
  const { version, position } = first;
  return { ok: true, directiveId: directive.id, version, position };
}

function answerRefusal(deps: Planner, verb: DirectiveVerb, refusal: Refusal): CommandAnswer {
  deps.metrics.commands.inc({ verb, outcome: 'refused' });
  const { refused, message, details } = refusal;
  return { ok: false, error: { code: refused, message, details } };
}
