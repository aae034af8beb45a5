/** The repositories and folders of directives: on this machine, here, or in the simulator. */
import type { Workspace } from '@writ/contracts';
import { mergeStep, type Merged, type MergeRequest } from './merge-step';
import { prepareWorkspace, type Prepared, type WorkspaceRefusal } from './prepare-workspace';
import { rollbackBranch, type RollbackRequest, type RolledBack } from './rollback-branch';

export interface Repositories {
  /** Once for each directive: whoever asks again gets the same. */
  prepare(
    directiveId: string,
    workspace: Exclude<Workspace, { kind: 'none' }>,
  ): Promise<Prepared | WorkspaceRefusal>;
  /** What is merged already stays as it is. Throws when the branch never holds still. */
  merge(request: Omit<MergeRequest, 'scratch'>): Promise<Merged>;
  /** What is back already stays as it is. */
  rollback(request: RollbackRequest): Promise<RolledBack | WorkspaceRefusal>;
}

export const localRepositories = (programs: {
  readonly dataDir: string;
  readonly hidden: readonly string[];
}): Repositories => ({
  prepare: (directiveId, workspace) => prepareWorkspace(directiveId, workspace, programs.hidden),
  merge: (request) => mergeStep({ ...request, scratch: programs.dataDir }),
  rollback: rollbackBranch,
});
