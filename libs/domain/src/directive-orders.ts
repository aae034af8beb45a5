/**
 * What people tell a directive that is there. Owns from which states each order leads on, and that an
 * order takes effect once. A refusal is an event too, so that a repeated command gets it again.
 */
import {
  isRefusal,
  toldVerbs,
  type DirectiveEvent,
  type DirectiveStatus,
  type Refusal,
  type ToldVerb,
} from '@writ/contracts';
import { amend, raiseLimit } from './amendments';
import { addStep, removeStep, replan, submitPlan, updateStep } from './chain-orders';
import { reused, type DirectiveOrder } from './directive-command';
import { Draft } from './directive-draft';
import type { Directive } from './directive-state';
import { archive, pause, resume, start, stop } from './life-orders';
import { rollBack } from './rollback';
import { retryStep, skipStep } from './step-orders';

const live = [
  ...(['draft', 'planning', 'awaiting_approval', 'active', 'paused', 'suspended'] as const),
];
const carriedOut = ['active', 'paused', 'suspended'] as const;

/** From which states each verb leads on. */
export const legalFrom: Readonly<Record<ToldVerb, readonly DirectiveStatus[]>> = {
  start: ['draft'],
  pause: ['planning', 'awaiting_approval', 'active'],
  resume: ['paused', 'suspended'],
  stop: live,
  archive: ['draft', 'completed', 'failed', 'stopped'],
  amend: live,
  'raise-limit': live,
  replan: carriedOut,
  'submit-plan': ['planning'],
  'add-step': live,
  'update-step': live,
  'remove-step': live,
  'skip-step': carriedOut,
  'retry-step': carriedOut,
  rollback: ['paused', 'suspended'],
};

/** Writes what the order makes happen into the draft, or refuses it. */
type Handler<V extends ToldVerb> = (
  draft: Draft,
  order: Extract<DirectiveOrder, { type: V }>,
) => Refusal | void;

const handlers: { readonly [V in ToldVerb]: Handler<V> } = {
  start,
  pause,
  resume,
  stop,
  archive,
  amend,
  'raise-limit': raiseLimit,
  replan,
  'submit-plan': submitPlan,
  'add-step': addStep,
  'update-step': updateStep,
  'remove-step': removeStep,
  'skip-step': skipStep,
  'retry-step': retryStep,
  rollback: rollBack,
};

/** What does not touch the chain. */
const whileRollingBack: readonly ToldVerb[] = ['stop', 'amend', 'raise-limit'];

export function carryOut(order: DirectiveOrder, state: Directive): DirectiveEvent[] | Refusal {
  const verb = order.type;
  const first = state.answers.get(order.commandId);
  if (first !== undefined) {
    return first.verb === verb ? [] : reused(order.commandId, first.verb, verb);
  }
  const illegal = illegalFrom(state.status, verb);
  if (illegal !== undefined) return refusal(verb, illegal);
  if (state.rollback !== null && !whileRollingBack.includes(verb)) {
    const message = `step ${state.rollback.step} is being rolled back; try again when it is done`;
    return refusal(verb, { refused: 'illegal_transition', message });
  }
  const draft = new Draft(state, state.id);
  const handle = handlers[verb] as Handler<ToldVerb>;
  const refused = handle(draft, order);
  return isRefusal(refused) ? refusal(verb, refused) : draft.events;
}

function illegalFrom(from: DirectiveStatus, verb: ToldVerb): Refusal | undefined {
  if (legalFrom[verb].includes(from)) return undefined;
  const legal = toldVerbs.filter((it) => legalFrom[it].includes(from));
  const instead = legal.length > 0 ? `what it can: ${legal.join(', ')}` : 'it has ended';
  const message = `a directive that is ${from} cannot ${verb}; ${instead}`;
  return { refused: 'illegal_transition', message, details: { from, verb, legal } };
}

function refusal(verb: ToldVerb, { refused: code, message, details }: Refusal): DirectiveEvent[] {
  return [{ type: 'CommandRefused', data: { verb, code, message, details } }];
}
