/**
 * The workspace of one directive: prepared once, then each passed step is merged into it, one after
 * the other, and what was merged may be taken back. The executor is its only writer.
 */
import { z } from 'zod';
import { Workspace } from './directive-file';
import { DirectiveId, RunId, StepName } from './ids';
import { ArtifactRef } from './run';

/** `writ.work.workspace` */
export const WorkspaceWork = z.discriminatedUnion('op', [
  z.object({ op: z.literal('prepare'), directiveId: DirectiveId, workspace: Workspace }),
  z.object({
    op: z.literal('merge'),
    directiveId: DirectiveId,
    runId: RunId,
    step: StepName,
    title: z.string(),
    repository: z.string(),
    branch: z.string(),
    /** The run's candidate commit. */
    commit: z.string(),
    /** Files of people, which take the place of what is in the commit, as a commit of theirs. */
    edits: z.array(ArtifactRef).optional(),
  }),
  z.object({
    op: z.literal('rollback'),
    directiveId: DirectiveId,
    /** Of what asks for it: the same is done once, however often it comes. */
    rollbackId: z.string().min(1).max(200),
    repository: z.string(),
    branch: z.string(),
    /** Where the branch goes: an earlier head of it. */
    to: z.string(),
    /** Where it is, as far as is known: it moves from there or not at all. */
    expected: z.string(),
  }),
]);
export type WorkspaceWork = z.infer<typeof WorkspaceWork>;

/** Stored form: never rename; add a version. */
export const workspaceEvents = {
  WorkspacePrepared: z.object({
    directiveId: DirectiveId,
    kind: z.enum(['directory', 'git']),
    path: z.string(),
    branch: z.string().optional(),
    baseCommit: z.string().optional(),
  }),
  WorkspaceRefused: z.object({
    directiveId: DirectiveId,
    code: z.string(),
    message: z.string(),
  }),
  StepMerged: z.object({
    directiveId: DirectiveId,
    runId: RunId,
    step: StepName,
    /** Head of the branch after it. */
    commit: z.string(),
  }),
  StepMergeConflicted: z.object({
    directiveId: DirectiveId,
    runId: RunId,
    step: StepName,
    paths: z.array(z.string()),
    message: z.string(),
  }),
  WorkspaceRolledBack: z.object({
    directiveId: DirectiveId,
    rollbackId: z.string(),
    from: z.string(),
    /** Head of the branch after it. */
    to: z.string(),
    /** The ref that keeps what was there; absent when nothing had to move. */
    kept: z.string().optional(),
  }),
  WorkspaceRollbackRefused: z.object({
    directiveId: DirectiveId,
    rollbackId: z.string(),
    code: z.string(),
    message: z.string(),
  }),
} as const;
export type WorkspaceEventType = keyof typeof workspaceEvents;
export type WorkspaceEvent = {
  [T in WorkspaceEventType]: {
    readonly type: T;
    readonly data: z.infer<(typeof workspaceEvents)[T]>;
  };
}[WorkspaceEventType];
