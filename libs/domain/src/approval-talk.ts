/** What people ask each other about an approval, and answer. It decides nothing (A7 of `approvals.ts`). */
import type { DirectiveEvent, Refusal } from '@writ/contracts';
import { isPending, type Approval } from './approvals';
import type { Directive } from './directive-state';

/** So many questions about one approval, and so many answers to one of them. */
const MOST = 100;

export interface Talk {
  readonly commandId: string;
  readonly verb: 'ask' | 'answer';
  readonly approvalId: string;
  readonly text: string;
  /** Which one is answered; default: the first without an answer. */
  readonly question?: number;
  readonly by: string;
}

export function noteTalk(talk: Talk, state: Directive): DirectiveEvent[] {
  if (state.answers.has(talk.commandId)) return [];
  const event = eventOf(talk, state.approvals.get(talk.approvalId));
  if (!('refused' in event)) return [event];
  const { refused: code, message, details } = event;
  return [{ type: 'CommandRefused', data: { verb: talk.verb, code, message, details } }];
}

function eventOf(talk: Talk, approval: Approval | undefined): DirectiveEvent | Refusal {
  const { approvalId, verb, text, by } = talk;
  if (approval === undefined) {
    return { refused: 'not_found', message: `there is no approval ${approvalId}` };
  }
  if (!isPending(approval)) {
    const message = `approval ${approvalId} is ${approval.status} already`;
    return { refused: 'stale', message, details: { status: approval.status } };
  }
  const questions = approval.questions ?? [];
  if (verb === 'ask') {
    if (questions.length >= MOST) return tooMany(`${MOST} questions were asked about it already`);
    const question = questions.length + 1;
    return { type: 'ApprovalQuestionAsked', data: { approvalId, question, text, by } };
  }
  const open = questions.find(({ answers }) => answers.length === 0)?.question;
  const question = talk.question ?? open;
  const asked = questions.find((it) => it.question === question);
  if (question === undefined || asked === undefined) {
    const which = talk.question === undefined ? 'open question' : `question ${talk.question}`;
    return { refused: 'not_found', message: `approval ${approvalId} has no ${which}` };
  }
  if (asked.answers.length >= MOST) return tooMany(`it was answered ${MOST} times already`);
  return { type: 'ApprovalQuestionAnswered', data: { approvalId, question, text, by } };
}

const tooMany = (message: string): Refusal => ({ refused: 'too_large', message });
