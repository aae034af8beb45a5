/**
 * Prepares the workspace of a directive, merges its steps into it and takes merges back. Each is done
 * once and said once: what comes again is told again, and a merge or a rollback that was cut off
 * before it was said is found done.
 */
import {
  branchOf,
  streamOf,
  TerminalError,
  VersionConflict,
  WorkspaceWork as WorkspaceWorkSchema,
  type WorkspaceEvent,
  type WorkspaceWork,
} from '@writ/contracts';
import type { Incoming } from '@writ/messaging';
import { metadataOf, type Executor } from './executor';
import { sendAgain } from './record-run';
import { isWorkspaceRefusal } from './workspaces/prepare-workspace';

export const parseWorkspaceWork = (data: unknown): WorkspaceWork => WorkspaceWorkSchema.parse(data);

type Merge = Extract<WorkspaceWork, { op: 'merge' }>;
type Prepare = Extract<WorkspaceWork, { op: 'prepare' }>;
type Rollback = Extract<WorkspaceWork, { op: 'rollback' }>;
type Tools = Pick<
  Executor,
  'log' | 'bus' | 'workspaces' | 'repositories' | 'turns' | 'newId' | 'content'
>;

/** Other executors append to the same stream when steps are merged at the same time. */
const ATTEMPTS = 20;

export async function keepWorkspace(deps: Tools, message: Incoming<WorkspaceWork>): Promise<void> {
  const work = message.data;
  if (work.op === 'merge') check(work);
  if (work.op === 'rollback') checkRollback(work);
  const stream = streamOf.workspace(work.directiveId);
  // Of merges into one branch that are made at once, all but one would have to be made again.
  await deps.turns.take(stream, () => keep(deps, message, stream));
}

async function keep(deps: Tools, message: Incoming<WorkspaceWork>, stream: string): Promise<void> {
  const work = message.data;
  for (let attempt = 1; ; attempt += 1) {
    const { version, fold: answers } = await deps.workspaces.load(stream);
    const said = answers.to(work);
    if (said !== undefined) return sendAgain(deps.bus, said, message.attributes.id);
    const { type, data } = await doWork(deps, work);
    const metadata = metadataOf(message, work.directiveId);
    const event = { id: deps.newId(), type, schemaVersion: 1, data, metadata };
    try {
      await deps.log.append({ stream, expectedVersion: version, events: [event] });
      return;
    } catch (error) {
      if (!(error instanceof VersionConflict) || attempt >= ATTEMPTS) throw error;
    }
  }
}

function doWork(deps: Tools, work: WorkspaceWork): Promise<WorkspaceEvent> {
  if (work.op === 'prepare') return prepare(deps, work);
  return work.op === 'merge' ? merge(deps, work) : rollback(deps, work);
}

const COMMIT = /^[0-9a-f]{40,64}$/;

/** The names that become arguments of git. */
function check({ directiveId, branch, commit }: Merge): void {
  if (branch === branchOf(directiveId) && COMMIT.test(commit)) return;
  const message = `there is nothing to merge: commit "${commit}" into branch "${branch}"`;
  throw new TerminalError('malformed', message);
}

function checkRollback({ directiveId, branch, to, expected }: Rollback): void {
  if (branch === branchOf(directiveId) && COMMIT.test(to) && COMMIT.test(expected)) return;
  const message = `there is nothing to roll back: branch "${branch}" from "${expected}" to "${to}"`;
  throw new TerminalError('malformed', message);
}

async function prepare({ repositories }: Tools, work: Prepare): Promise<WorkspaceEvent> {
  const { directiveId, workspace } = work;
  if (workspace.kind === 'none') {
    throw new TerminalError('malformed', 'a directive without a workspace has none to prepare');
  }
  const prepared = await repositories.prepare(directiveId, workspace);
  if (isWorkspaceRefusal(prepared)) {
    return { type: 'WorkspaceRefused', data: { directiveId, ...prepared } };
  }
  return { type: 'WorkspacePrepared', data: { directiveId, ...prepared } };
}

async function merge({ repositories, content }: Tools, work: Merge): Promise<WorkspaceEvent> {
  const { directiveId, runId, step, title, repository, branch, commit } = work;
  const trailers = `Directive: ${directiveId}\nStep: ${step}\nRun: ${runId}\n`;
  const message = `Merge step ${step}: ${title}\n\n${trailers}`;
  const edits = work.edits && {
    files: work.edits,
    read: (digest: string) => content.get(digest),
  };
  const merged = await repositories.merge({ repository, branch, commit, message, edits });
  const about = { directiveId, runId, step };
  if (merged.merged) return { type: 'StepMerged', data: { ...about, commit: merged.head } };
  const { paths, message: why } = merged;
  return { type: 'StepMergeConflicted', data: { ...about, paths, message: why } };
}

async function rollback({ repositories }: Tools, work: Rollback): Promise<WorkspaceEvent> {
  const { directiveId, rollbackId, repository, branch, to, expected } = work;
  const about = { directiveId, rollbackId };
  const done = await repositories.rollback({ directiveId, repository, branch, to, expected });
  if ('code' in done) {
    return { type: 'WorkspaceRollbackRefused', data: { ...about, ...done } };
  }
  return { type: 'WorkspaceRolledBack', data: { ...about, from: expected, to, ...done } };
}
