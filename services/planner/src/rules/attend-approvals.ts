/**
 * What rules do when an approval is asked for, and when it was decided: vote, or compare. What may be
 * done is the domain's; this finds the approval, the step that it is about, and the rules.
 */
import {
  directiveIdOf,
  isRefusal,
  ruleVoter,
  streamOf,
  type ApprovalEventData,
  type RecordedEvent,
} from '@writ/contracts';
import {
  matches,
  mayDecide,
  voteOf,
  type Directive,
  type Rule,
  type RuleSubject,
} from '@writ/domain';
import { decide } from '../planner';
import { readHistory } from '../read-history';
import { decideRule, type Rules } from './rules';

/** Those that are compared, or decide, as their streams say now. */
export async function liveRules(deps: Rules, names: Iterable<string>): Promise<Rule[]> {
  const states = await Promise.all([...names].map((name) => deps.rules.load(streamOf.rule(name))));
  return states.flatMap(({ state }) =>
    state.status === 'absent' || state.status === 'revoked' ? [] : [state],
  );
}

/** A promoted rule that matches votes; of several, one that denies is heard first. */
export async function answerRequest(
  deps: Rules,
  rules: readonly Rule[],
  event: RecordedEvent,
): Promise<void> {
  const able = rules.filter(
    ({ promoted }) => promoted !== null && promoted.position < event.position,
  );
  if (able.length === 0) return;
  const subject = await subjectOf(deps, event);
  const fitting = able.filter(({ spec }) => matches(spec, subject));
  // Read again: what was taken back a moment ago decides nothing more.
  const trusted = await liveRules(
    deps,
    fitting.map(({ name }) => name),
  );
  const [first] = trusted.filter((rule) => mayDecide(rule, subject.approval)).sort(deniesFirst);
  if (first === undefined) return;
  const now = await deps.planner.rows.now();
  const vote = { ...voteOf(first, subject.approval), now };
  const cause = {
    commandId: vote.commandId,
    causationId: event.id,
    actor: { kind: 'service', id: ruleVoter(first.name) },
    traceparent: event.metadata.traceparent,
  } as const;
  const directiveId = directiveIdOf(vote.approvalId);
  const voted = await decide(deps.planner, directiveId, vote, cause);
  if (isRefusal(voted)) {
    deps.planner.logger.error({ directiveId, rule: first.name }, voted.message);
  }
}

const deniesFirst = (one: Rule, other: Rule) => {
  const order = other.spec.verdict.localeCompare(one.spec.verdict, 'en');
  return order !== 0 ? order : one.name.localeCompare(other.name, 'en');
};

/** What a rule has decided is noted; what people have, compared with each rule that matches. */
export async function noteResolution(
  deps: Rules,
  rules: readonly Rule[],
  event: RecordedEvent,
): Promise<void> {
  const open = rules.filter(({ upTo }) => upTo < event.position);
  if (open.length === 0) return;
  const { approvalId, decision, by } = event.data as ApprovalEventData<'ApprovalResolved'>;
  const { actor, traceparent } = event.metadata;
  const own = open.find(({ name }) => by.includes(ruleVoter(name)));
  const byPeople = actor.kind === 'person' && by.length > 0;
  if (own === undefined && !byPeople) return; // its time was over
  const subject = await subjectOf(deps, event);
  const { digest } = subject.approval.request;
  const decided = { approvalId, digest, position: event.position };
  const about = (name: string) => ({
    commandId: `judge-${name}-${approvalId}`,
    causationId: event.id,
    actor: { kind: 'service', id: ruleVoter(name) } as const,
    traceparent,
  });
  if (own !== undefined) {
    await note(deps, own.name, { type: 'note-decided', ...decided }, about(own.name));
    return;
  }
  const edited = subject.approval.votes.some(
    (vote) => vote.superseded !== true && (vote.edits ?? []).length > 0,
  );
  for (const { name } of open.filter(({ spec }) => matches(spec, subject))) {
    const judge = { type: 'judge', ...decided, humanVerdict: decision, by, edited } as const;
    await note(deps, name, judge, about(name));
  }
}

async function note(deps: Rules, ...[name, command, about]: Note): Promise<void> {
  const noted = await decideRule(deps, name, command, about);
  if (isRefusal(noted)) deps.planner.logger.error({ rule: name }, noted.message);
}
type Note = Parameters<typeof decideRule> extends [unknown, ...infer R] ? R : never;

/** A chain that was made anew meanwhile may have other steps: then it is read as it was. */
async function subjectOf(deps: Rules, event: RecordedEvent): Promise<RuleSubject> {
  const { approvalId } = event.data as ApprovalEventData<'ApprovalResolved'>;
  const directiveId = directiveIdOf(approvalId);
  const { state } = await deps.planner.directives.load(streamOf.directive(directiveId));
  if (state.status === 'absent') throw new Error(`there is no directive ${directiveId}`);
  const asked = state.approvals.get(approvalId)?.request.generation;
  if (asked === state.generation) return inDirective(state, approvalId);
  const { directive } = await readHistory(deps.planner.log, directiveId, event.position);
  return inDirective(directive, approvalId);
}

function inDirective(directive: Directive, approvalId: string): RuleSubject {
  const approval = directive.approvals.get(approvalId);
  if (approval === undefined) throw new Error(`there is no approval ${approvalId}`);
  const step = directive.chain.get(approval.request.step)?.spec;
  return { approval, step, title: directive.spec.title };
}
