/**
 * Hears what has come of a directive's workspace and of the merges into it. Owns their order: a merge
 * is noted after all that were made before it, however its message came, so that the commit which a
 * directive names is never one that lacks a step.
 */
import {
  isRefusal,
  streamOf,
  TerminalError,
  workspaceEvents,
  type EventMetadata,
  type Refusal,
  type WorkspaceEvent,
  type WorkspaceEventType,
} from '@writ/contracts';
import { notedOfWorkspace } from '@writ/domain';
import type { Incoming } from '@writ/messaging';
import { decide, planner, type Decided, type Planner } from './planner';

/** Of one reading; a chain has less steps. */
const PAGE = 10_000;

export function parseWorkspaceEvent(data: unknown, subject: string): WorkspaceEvent {
  const type = subject.slice(subject.lastIndexOf('.') + 1) as WorkspaceEventType;
  if (!Object.hasOwn(workspaceEvents, type)) {
    const known = Object.keys(workspaceEvents).join(', ');
    throw new TerminalError(
      'malformed',
      `"${type}" is no event of a workspace; there are ${known}`,
    );
  }
  return { type, data: workspaceEvents[type].parse(data) } as WorkspaceEvent;
}

export async function noteWorkspace(
  deps: Planner,
  message: Incoming<WorkspaceEvent>,
): Promise<void> {
  const { id, traceparent, version } = message.attributes;
  const cause = { commandId: id, causationId: id, actor: planner, traceparent };
  const { directiveId } = message.data.data;
  const decided = await noteInOrder(deps, message.data, version, cause);
  if (!isRefusal(decided)) return;
  // An event about a directive that is not in the log: forged, or from another installation.
  deps.logger.warn({ directiveId, event: id, refused: decided.refused }, decided.message);
}

/** `version` is that of the workspace's stream; without it nothing is known of its order. */
export async function noteInOrder(
  deps: Planner,
  event: WorkspaceEvent,
  version: number | undefined,
  cause: Omit<EventMetadata, 'correlationId'>,
): Promise<Decided | Refusal> {
  const { directiveId } = event.data;
  for (const missed of await missedBefore(deps, directiveId, version ?? 0)) {
    const because = { ...cause, commandId: missed.id, causationId: missed.id };
    const earlier = missed as unknown as WorkspaceEvent;
    await decide(deps, directiveId, { type: 'note-workspace', event: earlier }, because);
  }
  return decide(deps, directiveId, { type: 'note-workspace', event }, cause);
}

async function missedBefore(deps: Planner, directiveId: string, version: number) {
  if (version <= 1) return [];
  const { state } = await deps.directives.load(streamOf.directive(directiveId));
  const afterVersion = notedOfWorkspace(state);
  const limit = Math.min(PAGE, version - 1 - afterVersion);
  if (limit <= 0) return [];
  return deps.log.readStream(streamOf.workspace(directiveId), { afterVersion, limit });
}
