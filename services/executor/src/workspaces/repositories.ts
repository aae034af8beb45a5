/** The repositories and folders of directives: on this machine, here, or in the simulator. */
import type { Workspace } from '@writ/contracts';
import { commitEdits, EditRefused, type Edits } from './commit-edits';
import { mergeStep, type Merged, type MergeRequest } from './merge-step';
import { prepareWorkspace, type Prepared, type WorkspaceRefusal } from './prepare-workspace';
import { rollbackBranch, type RollbackRequest, type RolledBack } from './rollback-branch';

export interface Repositories {
  /** Once for each directive: whoever asks again gets the same. */
  prepare(
    directiveId: string,
    workspace: Exclude<Workspace, { kind: 'none' }>,
  ): Promise<Prepared | WorkspaceRefusal>;
  /** What is back already stays as it is. */
  rollback(request: RollbackRequest): Promise<RolledBack | WorkspaceRefusal>;
  /**
   * What is merged already stays as it is; with edits, the commit and they are. Throws when the branch
   * never holds still.
   */
  merge(request: Omit<MergeRequest, 'scratch'> & { readonly edits?: Edits }): Promise<Merged>;
}

export const localRepositories = (programs: {
  readonly dataDir: string;
  readonly hidden: readonly string[];
}): Repositories => ({
  prepare: (directiveId, workspace) => prepareWorkspace(directiveId, workspace, programs.hidden),
  rollback: rollbackBranch,
  merge: async ({ edits, ...request }) => {
    const merging = { ...request, scratch: programs.dataDir };
    if (edits === undefined) return mergeStep(merging);
    const message = (person: string) => `Edited by ${person}\n\n${request.message}`;
    try {
      return await mergeStep({
        ...merging,
        commit: await commitEdits({ ...merging, ...edits, message }),
      });
    } catch (error) {
      if (!(error instanceof EditRefused)) throw error;
      return { merged: false, paths: [], message: error.message };
    }
  },
});
