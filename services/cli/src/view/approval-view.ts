/** An approval as lines of text: what is asked, what it stands on, and how it is decided. */
import { type ApprovalDocument, plainLine } from '@writ/contracts';

import type { Style } from './style';

export function approvalView(approval: ApprovalDocument, style: Style): string[] {
  const { id, directiveId, stepName, status, digest, roles, quorum, deadline } = approval;
  const { context, requestedAt, votes } = approval;
  const { confidence, summary, runId, requester, requesterExcluded } = context;
  const score = confidence?.score ?? null;
  const level =
    confidence === null
      ? 'not judged'
      : `${confidence.level}${score === null ? '' : `, score ${score}`}`;
  const who = roles.length === 0 ? 'anybody' : roles.join(' or ');
  const many = quorum === 1 ? '' : `, ${quorum} of them`;
  const but = requesterExcluded ? `, but not ${plainLine(requester)}` : '';
  return [
    style.bold(`${stepName} of ${directiveId} is ${status}`),
    `  ${plainLine(summary, 500)}`,
    ...(context.reworkProposed ? ['  proposed: run it again with what the checks found'] : []),
    '',
    `  approval    ${id}`,
    `  digest      ${digest}`,
    `  confidence  ${level}`,
    ...(runId === null ? [] : [`  run         ${runId}`]),
    `  for         ${who}${many}${but}`,
    `  since       ${requestedAt}`,
    ...(deadline === null ? [] : [`  until       ${deadline}`]),
    ...votes.map(({ by, decision, comment, at }) => {
      const said = comment === undefined ? '' : `: ${plainLine(comment, 300)}`;
      return `  ${at}  ${plainLine(by)} ${decision}${said}`;
    }),
  ];
}

/** What to type; the digest is that of what was seen. */
export function decisionCommands({
  id,
  digest,
}: Pick<ApprovalDocument, 'id' | 'digest'>): string[] {
  const decide = (verb: string, more = '') => `  writ ${verb} ${id} --digest ${digest}${more}`;
  return [
    'decide with one of:',
    decide('approve'),
    decide('deny', ' --comment "why"'),
    decide('deny', ' --rework --comment "what to change"'),
  ];
}
