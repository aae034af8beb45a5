/** What there is over HTTP about approvals: looked at, decided about, asked about. */
import {
  ApprovalDocument,
  ApprovalId,
  ApprovalReview,
  ApprovalStatus,
  Decision,
  Digest,
  directiveCommands,
  DirectiveId,
  Reason,
} from '@writ/contracts';
import { z } from 'zod';

import { AcceptedDecision, AcceptedTalk } from './http-documents';
import { json, limit, nothing, type Route } from './route';

const approval = z.strictObject({ id: ApprovalId });

export const approvalRoutes = {
  listApprovals: {
    method: 'get',
    path: '/v1/approvals',
    summary: 'Lists approvals, those that have waited longest first',
    query: z.strictObject({
      status: ApprovalStatus.optional(),
      directive: DirectiveId.optional(),
      limit: limit.optional(),
    }),
    answers: json(z.array(ApprovalDocument)),
    problems: [],
  },
  approval: {
    method: 'get',
    path: '/v1/approvals/{id}',
    summary: 'What a person is asked',
    params: approval,
    query: nothing,
    answers: json(ApprovalDocument),
    problems: [404],
  },
  decideApproval: {
    method: 'post',
    path: '/v1/approvals/{id}/decision',
    summary: 'Decides about an approval',
    description:
      'The digest is that of what was seen: 409 when it is another by now, when it was decided already or is over. The header Writ-Person says who decides; 403 when that one may not.',
    params: approval,
    body: z.strictObject({
      decision: Decision,
      digest: Digest,
      comment: Reason.optional(),
      /** Of an approval: items of the checklist, from 1. */
      ticks: directiveCommands.approve.shape.ticks,
      /** Of an approval: files, kept by PUT /v1/artifacts/{digest} before. */
      edits: directiveCommands.approve.shape.edits,
    }),
    idempotent: true,
    status: 202,
    answers: json(AcceptedDecision),
    problems: [403, 404, 409, 413, 415, 422],
  },
  reviewApproval: {
    method: 'get',
    path: '/v1/approvals/{id}/review',
    summary: 'All that a person looks at before deciding, as data, page or Markdown',
    params: approval,
    query: nothing,
    answers: { ...json(ApprovalReview), 'text/html': null, 'text/markdown': null },
    problems: [404],
  },
  askAboutApproval: {
    method: 'post',
    path: '/v1/approvals/{id}/questions',
    summary: 'Asks something about an approval; it decides nothing',
    params: approval,
    body: directiveCommands.ask.omit({ directiveId: true, approvalId: true }),
    idempotent: true,
    status: 202,
    answers: json(AcceptedTalk),
    problems: [403, 404, 409, 413, 415, 422],
  },
  answerApproval: {
    method: 'post',
    path: '/v1/approvals/{id}/answers',
    summary:
      'Answers what was asked about an approval or, with the digest, a step that is a question',
    params: approval,
    body: directiveCommands.answer.omit({ directiveId: true, approvalId: true }),
    idempotent: true,
    status: 202,
    answers: json(AcceptedTalk),
    problems: [403, 404, 409, 413, 415, 422],
  },
} as const satisfies Record<string, Route>;
