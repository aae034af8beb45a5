/** Takes a rule command, decides it, answers. The same command id again makes nothing more. */
import {
  isRefusal,
  ruleCommands,
  ruleVerbs,
  TerminalError,
  type Actor,
  type Refusal,
  type RuleAnswer,
  type RuleCommandData,
  type RuleVerb,
} from '@writ/contracts';
import type { Rule, RuleCommand } from '@writ/domain';
import type { Incoming } from '@writ/messaging';
import { digestOf } from '../planner';
import { decideRule, type Rules } from './rules';

export type ParsedRuleCommand = {
  [V in RuleVerb]: { readonly verb: V; readonly data: RuleCommandData<V> };
}[RuleVerb];

/** Reads the data of `writ.command.rule.<verb>`; throws when it does not fit. */
export function parseRuleCommand(data: unknown, subject: string): ParsedRuleCommand {
  const verb = subject.slice(subject.lastIndexOf('.') + 1) as RuleVerb;
  if (!ruleVerbs.includes(verb)) {
    const known = ruleVerbs.join(', ');
    throw new TerminalError('malformed', `"${verb}" is no rule command; there are ${known}`);
  }
  return { verb, data: ruleCommands[verb].parse(data) } as ParsedRuleCommand;
}

export async function decideRuleCommand(
  deps: Rules,
  { data: parsed, attributes }: Incoming<ParsedRuleCommand>,
): Promise<RuleAnswer> {
  const commandId = attributes.commandId ?? attributes.id;
  const actor: Actor = attributes.actor ?? { kind: 'person', id: 'unknown' };
  if (actor.kind !== 'person') {
    const message = `a ${actor.kind} does not say what decides for people; people do`;
    return refusedAnswer({ refused: 'not_allowed', message });
  }
  const { name } = parsed.data;
  const { causationId, traceparent } = attributes;
  const about = { commandId, causationId, actor, traceparent };
  const decided = await decideRule(deps, name, toCommand(commandId, parsed, actor.id), about);
  if (isRefusal(decided)) return refusedAnswer(decided);
  deps.touched(name);
  return answer(decided.rule, commandId);
}

function toCommand(commandId: string, { verb, data }: ParsedRuleCommand, by: string): RuleCommand {
  switch (verb) {
    case 'create':
      return { type: verb, commandId, spec: { ...data, contentDigest: digestOf(data) } };
    case 'promote':
      return { type: verb, commandId, by };
    case 'revoke':
      return { type: verb, commandId, by, reason: data.reason ?? 'no reason was given' };
  }
}

function answer(rule: Rule, commandId: string): RuleAnswer {
  const first = rule.answers.get(commandId);
  if (first === undefined) throw new Error(`command ${commandId} left no answer in its rule`);
  const { version, position } = first;
  return { ok: true, name: rule.name, version, position };
}

function refusedAnswer({ refused, message, details }: Refusal): RuleAnswer {
  return { ok: false, error: { code: refused, message, details } };
}
