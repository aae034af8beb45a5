/**
 * The checks of a step, as far as planning and the record go: those that it has without naming any,
 * what does not fit together, and which criteria they speak for.
 */
import type { Check, DirectiveFile, PlannedStep, Workspace } from '@writ/contracts';
import type { IssueList } from './issue-list';

/** What makes files that a repository knows how to check. */
const MAKING = ['implement', 'test'];
const USUAL: readonly Check[] = [{ kind: 'detected' }];

/**
 * A step that says nothing of checks and works on files is checked as those files ask for. It stands
 * in the plan: what a chain was planned with does not change with the version that runs it.
 */
export function withUsualChecks(step: PlannedStep, workspace: Workspace): PlannedStep {
  const asks = step.verify !== undefined || workspace.kind === 'none';
  return asks || !MAKING.includes(step.type) ? step : { ...step, verify: [...USUAL] };
}

export const checksOf = ({ verify }: Pick<PlannedStep, 'verify'>): readonly Check[] =>
  Array.isArray(verify) ? verify : [];

/** Whether a step has something to do with a criterion, itself or by one of its checks. */
export const namesCriterion = (
  step: Pick<PlannedStep, 'acceptanceCriteriaIds' | 'verify'>,
  id: string,
): boolean =>
  step.acceptanceCriteriaIds.includes(id) ||
  checksOf(step).some((check) => check.acceptanceCriteriaIds?.includes(id) === true);

/** Checks that cannot say anything where they stand. */
export function checkChecks(
  { workspace }: DirectiveFile,
  steps: readonly PlannedStep[],
  issues: IssueList,
): void {
  steps.forEach((step, at) => {
    checksOf(step).forEach((check, index) => {
      const path = `/chain/steps/${at}/verify/${index}`;
      if (check.kind === 'diff' && workspace.kind !== 'git') {
        const message = `the check "diff" compares commits, and the workspace is ${workspace.kind}`;
        issues.add('check_needs_git', `${path}/kind`, () => message);
      }
    });
  });
}
