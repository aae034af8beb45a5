/** How far work that is due has come, by what its streams in the log say. */
import {
  streamOf,
  type EvaluationCompleted,
  type RecordedEvent,
  type RunEnded,
  type WorkspaceEvent,
} from '@writ/contracts';
import type { DirectiveCommand, WorkItem } from '@writ/domain';
import type { EventLog } from '@writ/event-log';
import { notingOf } from './follow-runs';
import type { Planner } from './planner';

export interface Done {
  readonly command: Extract<DirectiveCommand, { type: `note-${string}` }>;
  readonly version: number;
}

export interface Progress {
  /** By the id of the item: what to note of it, and the version of the event that says so. */
  readonly done: ReadonlyMap<string, Done>;
  /** Items with which somebody has begun, and those whose streams say nothing until they are done. */
  readonly begun: ReadonlySet<string>;
}

const PAGE = 1_000;

export async function findProgress(
  deps: Pick<Planner, 'log' | 'content' | 'directives'>,
  directiveId: string,
  items: readonly WorkItem[],
): Promise<Progress> {
  const { log } = deps;
  const workspace = streamOf.workspace(directiveId);
  const ofSteps = items.filter((item) => item.stream !== workspace);
  const done = new Map<string, Done>();
  const begun = new Set(
    items.filter((item) => !item.stream.startsWith('run-')).map(({ id }) => id),
  );
  const idOf = new Map(ofSteps.map((item) => [item.stream, item.id]));
  for (const { stream, type, data, version } of await log.lastEvents([...idOf.keys()])) {
    const id = idOf.get(stream) ?? '';
    if (type === 'RunEnded') {
      done.set(id, { command: await notingOf(deps, data as RunEnded), version });
    } else if (type === 'EvaluationCompleted') {
      const evaluation = data as EvaluationCompleted;
      done.set(id, { command: { type: 'note-evaluation', evaluation }, version });
    } else begun.add(id);
  }
  if (ofSteps.length === items.length) return { done, begun };
  const due = new Set(items.map(({ id }) => id));
  for await (const event of all(log, workspace)) {
    const noted = event as unknown as WorkspaceEvent;
    const id = itemOf(noted);
    if (!due.has(id)) continue;
    done.set(id, { command: { type: 'note-workspace', event: noted }, version: event.version });
  }
  return { done, begun };
}

/** The id of the work item that an event of a workspace answers. */
function itemOf({ type, data }: WorkspaceEvent): string {
  switch (type) {
    case 'WorkspacePrepared':
    case 'WorkspaceRefused':
      return `${data.directiveId}-prepare`;
    case 'StepMerged':
    case 'StepMergeConflicted':
      return `${data.runId}-merge`;
    case 'WorkspaceRolledBack':
    case 'WorkspaceRollbackRefused':
      return data.rollbackId;
  }
}

async function* all(
  log: Pick<EventLog, 'readStream'>,
  stream: string,
): AsyncGenerator<RecordedEvent> {
  for (let afterVersion = 0; ; afterVersion += PAGE) {
    const events = await log.readStream(stream, { afterVersion, limit: PAGE });
    yield* events;
    if (events.length < PAGE) return;
  }
}
