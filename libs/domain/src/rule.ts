/**
 * The rule aggregate: what a rule would say about an approval, how that compares with what people say,
 * and when it may speak for them. Owns none of what follows from a decision: a promoted rule votes
 * like a person, and the directive decides.
 *
 * P1 An approval is judged once by each rule: decisions come in the order of the log, and what is not
 *    behind the last one is dealt with.
 * P2 A rule decides alone only after a person has promoted it, and a person can only when its last
 *    `promoteAfter` judgements agreed without a break.
 * P3 A judgement that disagrees takes a promotion back at once, in the same commit; it is then in
 *    shadow, and begins from nothing.
 * P4 What a policy keeps for people is never decided by a rule: see `mayDecide`.
 * P5 What a person has revoked stays revoked.
 */
import {
  ruleVoter,
  type Decision,
  type Refusal,
  type RefusalCode,
  type RuleEvent,
  type RuleEventData,
  type RuleStatus,
  type RuleVerb,
  type StepSpec,
} from '@writ/contracts';
import { isPending, type Approval } from './approvals';
import type { Decider } from './decider';
import { evolveRule, type Rule, type RuleState } from './rule-state';

/** How an approval was decided, from the log. */
interface DecidedApproval {
  readonly approvalId: string;
  readonly digest: string;
  /** Of the decision in the log. */
  readonly position: number;
}

export type RuleCommand =
  | {
      readonly type: 'create';
      readonly commandId: string;
      readonly spec: RuleEventData<'RuleCreated'>;
    }
  | { readonly type: 'promote'; readonly commandId: string; readonly by: string }
  | {
      readonly type: 'revoke';
      readonly commandId: string;
      readonly by: string;
      readonly reason: string;
    }
  | ({
      readonly type: 'judge';
      readonly humanVerdict: Decision;
      readonly by: readonly string[];
      readonly edited: boolean;
    } & DecidedApproval)
  | ({ readonly type: 'note-decided' } & DecidedApproval);

export const ruleDecider: Decider<RuleState, RuleCommand, RuleEvent> = {
  initial: { status: 'absent' },
  decide,
  evolve: evolveRule,
};

/** From which states each verb leads on. */
export const legalOnRule: Readonly<Record<Exclude<RuleVerb, 'create'>, readonly RuleStatus[]>> = {
  promote: ['shadow'],
  revoke: ['shadow', 'promoted'],
};

function decide(command: RuleCommand, state: RuleState): RuleEvent[] | Refusal {
  if (command.type === 'create') return create(command, state);
  if (state.status === 'absent') return refuse('not_found', 'there is no such rule');
  switch (command.type) {
    case 'judge':
      return judge(command, state);
    case 'note-decided': {
      const { approvalId, digest, position } = command;
      if (position <= state.upTo) return []; // P1
      const data = { approvalId, digest, decision: state.spec.verdict, position };
      return [{ type: 'RuleDecided', data }];
    }
    default:
      return obey(command, state);
  }
}

function create(
  { commandId, spec }: Extract<RuleCommand, { type: 'create' }>,
  state: RuleState,
): RuleEvent[] | Refusal {
  if (state.status === 'absent') return [{ type: 'RuleCreated', data: spec }];
  const first = state.answers.get(commandId);
  if (first === undefined) {
    return refuse(
      'already_exists',
      `there is a rule ${spec.name} already; names are not used twice`,
    );
  }
  if (first.verb !== 'create') return reused(commandId, first.verb, 'create');
  if (state.spec.contentDigest === spec.contentDigest) return [];
  return refuse('command_reused', `command ${commandId} was used with another rule`);
}

function obey(
  command: Extract<RuleCommand, { type: keyof typeof legalOnRule }>,
  state: Rule,
): RuleEvent[] | Refusal {
  const { type: verb, commandId, by } = command;
  const first = state.answers.get(commandId);
  if (first !== undefined) return first.verb === verb ? [] : reused(commandId, first.verb, verb);
  if (!legalOnRule[verb].includes(state.status)) return illegal(verb, state.status); // P5
  if (command.type === 'revoke') {
    return [{ type: 'RuleRevoked', data: { by, reason: command.reason } }];
  }
  const { agreements, name, spec } = state;
  const missing = spec.promoteAfter - agreements;
  if (missing <= 0) return [{ type: 'RulePromoted', data: { by, agreements } }];
  const message = // P2
    `rule ${name} has agreed ${agreements} times in a row, and is promoted after ` +
    `${spec.promoteAfter}: ${missing} missing`;
  const details = { agreements, promoteAfter: spec.promoteAfter, missing };
  return { refused: 'illegal_transition', message, details };
}

function judge(command: Extract<RuleCommand, { type: 'judge' }>, state: Rule): RuleEvent[] {
  const { approvalId, digest, position, humanVerdict, by, edited } = command;
  if (state.status === 'revoked' || position <= state.upTo) return []; // P1
  const ruleVerdict = state.spec.verdict;
  // Who edits it has neither approved it as it was nor denied it.
  const agrees = !edited && (humanVerdict === 'approve') === (ruleVerdict === 'approve');
  const data = {
    ...{ approvalId, digest, ruleVerdict, humanVerdict, by: [...by], agrees },
    ...(edited ? { edited } : {}),
    position,
  };
  const judged: RuleEvent = { type: 'RuleJudged', data };
  if (agrees || state.status !== 'promoted') return [judged];
  const people = by.join(', ');
  const how = edited ? `${humanVerdict}, edited` : humanVerdict;
  const reason = `${people} decided ${how} about ${approvalId}, where it says ${ruleVerdict}`;
  return [judged, { type: 'RuleRevoked', data: { reason } }]; // P3
}

/** What a rule asks about: an approval, the step that it is about, and the title of the directive. */
export interface RuleSubject {
  readonly approval: Approval;
  readonly step: Pick<StepSpec, 'type' | 'adapter'> | undefined;
  readonly title: string;
}

/** Whether a rule has a verdict here; about plans and questions none has. */
export function matches({ when }: Pick<Rule['spec'], 'when'>, subject: RuleSubject): boolean {
  const { approval, step, title } = subject;
  const { type, confidence } = approval.request;
  if (type !== 'step_review' && type !== 'human_check') return false;
  const { stepTypes, adapters, minScore, levels, titleIncludes } = when;
  const score = confidence?.score ?? -1;
  const level = confidence?.level ?? 'unknown';
  return (
    (stepTypes === undefined || (step !== undefined && stepTypes.includes(step.type))) &&
    (adapters === undefined || (step !== undefined && adapters.includes(step.adapter.kind))) &&
    (minScore === undefined || score >= minScore) &&
    (levels === undefined || levels.includes(level)) &&
    (titleIncludes === undefined || title.toLowerCase().includes(titleIncludes.toLowerCase()))
  );
}

/** P4: people only, where several or certain ones have to look, or to tick what they have looked at. */
export function mayDecide(rule: Rule, approval: Approval): boolean {
  const { policy, requester } = approval.request;
  return (
    rule.status === 'promoted' &&
    isPending(approval) &&
    policy.quorum === 1 &&
    policy.roles.length + approval.roles.length === 0 &&
    (policy.checklist ?? []).length === 0 &&
    !(policy.excludeRequester && requester === rule.createdBy)
  );
}

/** What it votes, as a person would; the command is the same however often it is sent. */
export function voteOf(rule: Rule, { request }: Approval) {
  const { name, spec, promoted } = rule;
  const { approvalId, digest } = request;
  const trusted =
    promoted === null ? '' : `, promoted by ${promoted.by} after ${promoted.agreements} agreements`;
  return {
    type: 'vote',
    commandId: `rule-${name}-${approvalId}`,
    verb: spec.verdict,
    decision: spec.verdict,
    ...{ approvalId, digest },
    comment: `decided by the rule ${name}${trusted}`,
    by: { id: ruleVoter(name) },
  } as const;
}

function illegal(verb: keyof typeof legalOnRule, from: RuleStatus): Refusal {
  const verbs = Object.keys(legalOnRule) as (keyof typeof legalOnRule)[];
  const legal = verbs.filter((it) => legalOnRule[it].includes(from));
  const cure = legal.length > 0 ? `it can ${legal.join(' or ')}` : 'create one with another name';
  const message = `a rule that is ${from} cannot ${verb}; ${cure}`;
  return { refused: 'illegal_transition', message, details: { from, verb, legal } };
}

const reused = (commandId: string, before: string, now: string): Refusal =>
  refuse('command_reused', `command ${commandId} was used to ${before}, not to ${now}`);

function refuse(refused: RefusalCode, message: string): Refusal {
  return { refused, message };
}
