/** A rule as lines of text: what it says, how often people say the same, and what it has decided. */
import { plainLine, type RuleDocument, type RuleSummary } from '@writ/contracts';

import type { Style } from './style';

const SHOWN = 10;

export function conditionText({ when }: Pick<RuleSummary, 'when'>): string {
  const { stepTypes, adapters, minScore, levels, titleIncludes } = when;
  const said = [
    ...(stepTypes === undefined ? [] : [`type ${stepTypes.join(' or ')}`]),
    ...(adapters === undefined ? [] : [`adapter ${adapters.join(' or ')}`]),
    ...(minScore === undefined ? [] : [`score from ${minScore}`]),
    ...(levels === undefined ? [] : [levels.join(' or ')]),
    ...(titleIncludes === undefined ? [] : [`title with "${plainLine(titleIncludes, 60)}"`]),
  ];
  return said.length === 0 ? 'always' : said.join(', ');
}

export function standingText(rule: RuleSummary): string {
  const { status, agreements, promoteAfter, judged, agreed } = rule;
  const record = `${agreed} of ${judged} agree`;
  if (status !== 'shadow') return record;
  const missing = promoteAfter - agreements;
  return missing > 0 ? `${record}, ${missing} missing` : `${record}, may be promoted`;
}

export function ruleView(rule: RuleDocument, style: Style): string[] {
  const { name, status, verdict, createdAt, createdBy, promoted, revoked, decided } = rule;
  const who = revoked?.by ?? 'a judgement that disagrees';
  return [
    style.bold(`${name} is ${status === 'shadow' ? 'in shadow' : status}`),
    '',
    `  says        ${verdict}`,
    `  when        ${conditionText(rule)}`,
    `  made        ${createdAt} by ${plainLine(createdBy)}`,
    `  record      ${standingText(rule)}`,
    ...(promoted === null ? [] : [`  promoted    ${promoted.at} by ${plainLine(promoted.by)}`]),
    ...(revoked === null
      ? []
      : [
          `  revoked     ${revoked.at} by ${plainLine(who)}`,
          `              ${plainLine(revoked.reason, 300)}`,
        ]),
    ...rule.judgements.slice(-SHOWN).map(({ at, approvalId, humanVerdict, by, agrees, edited }) => {
      const people = `${plainLine(by.join(', '))}: ${humanVerdict}${edited ? ', edited' : ''}`;
      return `  ${at}  ${agrees ? 'agrees   ' : 'disagrees'}  ${approvalId}  ${people}`;
    }),
    ...(decided === 0 ? [] : [`  decided     ${decided} without a person`]),
    ...rule.decisions.map(({ at, approvalId, decision }) => `  ${at}  ${decision}  ${approvalId}`),
  ];
}
