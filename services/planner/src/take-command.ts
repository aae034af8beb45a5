/**
 * The door before `decide-command.ts`: a create may be told to come again later when there is more to
 * do than is wise. Such an answer is none of the command's: it is kept nowhere, and the same command is
 * decided like any other when it comes again.
 *
 * T1 Only creates are refused; whoever wants to stop, pause or go on is always heard.
 * T2 A create that was accepted before gets its first answer again, never a refusal.
 * T3 Who does not listen for an answer would not hear that he is refused, and what he sent would be
 *    lost; so he gets in.
 */
import { directiveIdFrom, type CommandAnswer, type DirectiveCommandData } from '@writ/contracts';
import type { Incoming } from '@writ/messaging';
import { decideCommand, type ParsedCommand } from './decide-command';
import { sha256, type Planner } from './planner';

export async function takeCommand(
  deps: Planner,
  message: Incoming<ParsedCommand>,
): Promise<CommandAnswer> {
  const refusal = await refusalAtTheDoor(deps, message);
  return refusal ?? decideCommand(deps, message);
}

async function refusalAtTheDoor(
  { admission, known, metrics }: Planner,
  { data: command, attributes, replyTo }: Incoming<ParsedCommand>,
): Promise<CommandAnswer | undefined> {
  if (command.verb !== 'create') return undefined; // T1
  const weight = weightOf(command.data);
  if (replyTo === undefined) {
    admission.letIn(weight); // T3
    return undefined;
  }
  const refusal = await admission.enter(weight);
  if (refusal === undefined) return undefined;
  const commandId = attributes.commandId ?? attributes.id;
  const directiveId = command.data.directiveId ?? directiveIdFrom(commandId, sha256);
  if (await known.ask(directiveId)) return undefined; // T2
  metrics.commands.inc({ verb: 'create', outcome: 'refused' });
  const { refused, message, details } = refusal;
  return { ok: false, error: { code: refused, message, details } };
}

/** How many steps it begins with; one that is not started takes no room. */
function weightOf({ directive, start }: DirectiveCommandData<'create'>): number {
  if (!start) return 0;
  const { chain, limits } = directive;
  const first = chain?.steps.filter(({ dependsOn }) => dependsOn.length === 0).length ?? 1;
  return Math.max(1, Math.min(first, limits.maxParallelSteps));
}
