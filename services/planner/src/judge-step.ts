/**
 * Hears how a run or an evaluation ended, and lets the directive go on: the step passes or fails and
 * what is ready starts, in one append.
 */
import {
  directiveIdOf,
  evaluationEvents,
  isRefusal,
  runEvents,
  type EvaluationCompleted,
  type RunEnded,
} from '@writ/contracts';
import type { DirectiveCommand } from '@writ/domain';
import type { Attributes, Incoming } from '@writ/messaging';
import { notingOf } from './follow-runs';
import { decide, planner, type Planner } from './planner';

export const parseRunEnded = (data: unknown): RunEnded => runEvents.RunEnded.parse(data);

export const parseEvaluation = (data: unknown): EvaluationCompleted =>
  evaluationEvents.EvaluationCompleted.parse(data);

export async function noteRun(deps: Planner, message: Incoming<RunEnded>): Promise<void> {
  const ended = message.data;
  if (deps.notedTogether.has(ended.runId)) return;
  deps.notedTogether.add(ended);
  const command = await notingOf(deps, ended);
  return note(deps, directiveIdOf(ended.runId), command, message.attributes);
}

export function noteEvaluation(
  deps: Planner,
  message: Incoming<EvaluationCompleted>,
): Promise<void> {
  const evaluation = message.data;
  const command = { type: 'note-evaluation', evaluation } as const;
  return note(deps, directiveIdOf(evaluation.runId), command, message.attributes);
}

async function note(
  deps: Planner,
  directiveId: string,
  command: DirectiveCommand,
  { id, traceparent }: Attributes,
): Promise<void> {
  const cause = { commandId: id, causationId: id, actor: planner, traceparent };
  const decided = await decide(deps, directiveId, command, cause);
  if (!isRefusal(decided)) return;
  // An event about a directive that is not in the log: forged, or from another installation.
  deps.logger.warn({ directiveId, event: id, refused: decided.refused }, decided.message);
}
