/** What waits for a person: the inbox, one review, and the decision with the digest of what was seen. */
import { type ApprovalDocument, plainLine, signOf } from '@writ/contracts';

import { approvalPath } from '../api-path';
import { Gateway } from '../gateway-client';
import { Output, usesColour } from '../output';
import type { CommonOptions } from '../program';
import { approvalView, decisionCommands } from '../view/approval-view';
import { styleFor, table } from '../view/style';

interface ListOptions extends CommonOptions {
  readonly status?: string;
  readonly directive?: string;
  readonly limit?: number;
}

interface DecideOptions extends CommonOptions {
  readonly digest: string;
  readonly comment?: string;
  readonly as?: string;
  readonly key?: string;
  readonly rework?: boolean;
}

interface Decided {
  readonly approvalId: string;
  readonly decision: string;
  readonly position: number;
}

export async function list(options: ListOptions): Promise<void> {
  const output = new Output(options);
  const { status = 'pending', directive, limit } = options;
  const query = new URLSearchParams();
  if (status !== 'all') query.set('status', status);
  if (directive !== undefined) query.set('directive', directive);
  if (limit !== undefined) query.set('limit', String(limit));
  const approvals = await Gateway.find().get<ApprovalDocument[]>(`/v1/approvals?${query}`);
  if (output.json) return output.value(approvals);
  if (approvals.length === 0) return output.talk('nothing waits for a decision');
  const style = styleFor(usesColour(process.stdout));
  const sign = { pending: 'awaiting_approval', approved: 'passed', denied: 'blocked' } as const;
  const rows = approvals.map(({ id, status: state, requestedAt, context }) => [
    style.status(state, `${signOf(sign[state as 'pending'] ?? 'cancelled')} ${state}`),
    id,
    requestedAt.replace('T', ' ').slice(0, 19),
    plainLine(context.summary, 80),
  ]);
  output.data(table(rows).join('\n'));
  const [first] = approvals;
  if (first?.status === 'pending') output.talk(`look at one with: writ approvals show ${first.id}`);
}

export async function show(id: string, options: CommonOptions): Promise<void> {
  const output = new Output(options);
  const approval = await Gateway.find().get<ApprovalDocument>(approvalPath(id));
  if (output.json) return output.value(approval);
  const style = styleFor(usesColour(process.stdout));
  output.data(approvalView(approval, style).join('\n'));
  if (approval.status === 'pending') output.talk(['', ...decisionCommands(approval)].join('\n'));
}

export async function decide(
  verb: 'approve' | 'deny',
  id: string,
  options: DecideOptions,
): Promise<void> {
  const output = new Output(options);
  const { digest, comment, as: person, key, rework = false } = options;
  const decision = verb === 'deny' && rework ? 'rework' : verb;
  const body = { decision, digest, ...(comment === undefined ? {} : { comment }) };
  const headers: Record<string, string> = person === undefined ? {} : { 'writ-person': person };
  const path = `${approvalPath(id)}/decision`;
  const { approvalId, position } = await Gateway.find().post<Decided>(path, body, key, headers);
  if (output.json) output.value({ approvalId, decision, position });
  else output.talk(`${id}: ${decision}`);
}
