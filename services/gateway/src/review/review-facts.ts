/** A review as rows of facts, for every form in which it is written. */
import type { ApprovalReview } from '@writ/contracts';

export type Fact = readonly [name: string, value: string];

export function factsOf({ approval }: ApprovalReview): Fact[] {
  const { context, roles, quorum } = approval;
  const { confidence } = context;
  const score = confidence?.score ?? null;
  const level =
    confidence === null
      ? 'not judged'
      : `${confidence.level}${score === null ? '' : `, score ${round(score)}`}`;
  const who = roles.length === 0 ? 'anybody' : roles.join(' or ');
  const many = quorum === 1 ? '' : `, ${quorum} of them`;
  const but = context.requesterExcluded ? `, but not ${context.requester}` : '';
  return [
    ['Approval', approval.id],
    ['Digest', approval.digest],
    ['Asked', `${approval.type.replaceAll('_', ' ')} about step ${approval.stepName}`],
    ['State', approval.status],
    ['Confidence', level],
    ['For', who + many + but],
    ['Since', approval.requestedAt],
    ...(approval.deadline === null ? [] : [['Until', approval.deadline] as const]),
    ...(context.reworkProposed ? [['Proposed', 'run it again with what was found'] as const] : []),
  ];
}

export function outcomesOf({ run }: ApprovalReview): Fact[] {
  if (run === null) return [];
  return [
    ['Run', run.runId],
    ['Result', run.result ?? 'under way'],
    ['Attempt', String(run.attempt)],
    ['Tries', String(run.tries)],
    ...(run.adapter === null ? [] : [['Adapter', run.adapter] as const]),
    ...(run.sandbox === null ? [] : [['Sandbox', run.sandbox] as const]),
    ...(run.exitCode === null ? [] : [['Exit code', String(run.exitCode)] as const]),
    ...(run.error === null ? [] : [['Error', run.error] as const]),
  ];
}

export function metricsOf({ metrics }: ApprovalReview): Fact[] {
  const { durationMs, checksMs, inputTokens, outputTokens, costUsd } = metrics;
  const facts: (readonly [string, string | null])[] = [
    ['Run', durationMs === null ? null : `${durationMs} ms`],
    ['Checks', checksMs === null ? null : `${checksMs} ms`],
    ['Tokens in', inputTokens === null ? null : String(inputTokens)],
    ['Tokens out', outputTokens === null ? null : String(outputTokens)],
    ['Cost', costUsd === null ? null : `$${costUsd}`],
  ];
  return facts.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
}

export const sizeOf = (side: { bytes: number; digest: string } | null): string =>
  side === null ? 'none' : `${side.bytes} bytes, ${side.digest.slice(0, 19)}…`;

/** What to type; the digest is that of what was seen. */
export function commandsOf({ approval }: ApprovalReview): string[] {
  const { id, digest, checklist, type, choices } = approval;
  const tick = checklist.length === 0 ? '' : ' --tick all';
  const write = (verb: string, more = '') => `writ ${verb} ${id} --digest ${digest}${more}`;
  if (type === 'question') {
    const said = choices === null ? '--text "..."' : `--choice ${JSON.stringify(choices[0])}`;
    return [write('answer', ` ${said}`), write('deny', ' --comment "why"')];
  }
  return [
    write('approve', tick),
    write('deny', ' --comment "why"'),
    ...(type === 'step_review' ? [write('deny', ' --rework --comment "what to change"')] : []),
    `writ ask ${id} --question "..."`,
  ];
}

const round = (score: number) => Math.round(score * 1000) / 1000;
