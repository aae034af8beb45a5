/**
 * Every code that an issue with a directive file or its plan may have, with what it means and whether
 * the directive is taken in spite of it: a closed list. docs/FORMATS.md shows it as a table.
 */
import type { Severity } from './directive-file';

interface IssueMeaning {
  readonly severity: Severity;
  readonly means: string;
}

const error = (means: string): IssueMeaning => ({ severity: 'error', means });
const warning = (means: string): IssueMeaning => ({ severity: 'warning', means });

export const issueCodes = {
  // The file itself, and what it names on the machine from which it is submitted.
  empty: error('a file with nothing in it'),
  not_utf8: error('a file that is no UTF-8 text'),
  yaml: error('a file that is neither YAML nor JSON'),
  duplicate_key: error('a key that stands twice at one place'),
  control_character: error('a control character that is not written as an escape'),
  too_deep: error('a file that is nested too deep to be read'),
  invalid_input: error('an input that is no path, or stands for too many files'),
  input_missing: error('an input that is no file beside the directive file'),
  repository_missing: error('a repository that is not there'),
  directory_missing: error('a directory that is not there'),
  not_a_repository: error('a folder that is not in a git repository'),
  no_commit: error('a repository without a commit to start from'),
  base_branch_missing: error('a base branch that the repository does not have'),
  // The form of the directive.
  unknown_key: error('a key that the format does not know'),
  invalid_key: error('a name that cannot be one, such as that of a variable'),
  missing: error('a member that has to be there'),
  wrong_type: error('a value of another kind: text for a number, ...'),
  unknown_value: error('none of the words that are known there'),
  out_of_range: error('too small, too large, too long or too many'),
  invalid_value: error('a value that breaks another rule of its place'),
  path_outside_workspace: error('a path that is absolute or leads out of the workspace'),
  not_available: error('what the format knows and this version does not have'),
  // Variables.
  unknown_variable: error('a variable that is not declared'),
  reserved_variable: error('a variable with a name that is filled in when a step runs'),
  too_large: error('a file, or what its variables stand for, that is larger than what is taken'),
  // What has to hold across steps.
  no_chain: error('an explicit planner, and no step'),
  no_adapter: error('a default planner that is not told how to carry out its steps'),
  chain_not_used: error('a chain beside a planner that makes one'),
  cannot_plan: error('an adapter that a plan cannot be had from'),
  duplicate_step: error('two steps with one name'),
  duplicate_id: error('a requirement or a criterion that stands twice'),
  duplicate_input: error('two inputs of a step at one place, or one inside another'),
  self_dependency: error('a step that depends on itself'),
  unknown_dependency: error('a step that depends on one that is not in the chain'),
  cycle: error('steps that wait for each other'),
  unknown_id: error('a step or a check that names a requirement or a criterion there is not'),
  requirement_not_covered: error('a requirement that no step works on'),
  check_needs_git: error('a check that compares with a git repository, in another workspace'),
  human_step: error('a step for a person with checks, outputs or inputs, which it cannot have'),
  // What a planner is told of the plan before, when it is asked again.
  planning_failed: error('a planner that ended without success'),
  no_plan: error('a planner that gives no plan'),
  malformed: error('a plan that is no JSON'),
  denied: error('a plan that a person did not approve'),
  // What may be meant so.
  criterion_not_covered: warning('a criterion that neither a step nor a check names'),
  step_without_check: warning('a step whose result nothing judges: it counts as unknown'),
  outputs_overlap: warning('outputs of two parallel steps that may overwrite one another'),
  duplicate_check: warning('two checks of a step with one name: their results look alike'),
  check_without_effect: warning('a check that weighs nothing and need not pass'),
  chain_too_deep: warning('so many steps one after the other that little can go on side by side'),
  group_without_step: warning('a limit for a group that no step is in'),
  budget_over_limit: warning('a step that reserves more than the whole directive may spend'),
  retry_over_timeout: warning('retries that wait longer for each other than one try may take'),
  timeout_over_wall_time: warning('a step that may take longer than the whole directive'),
  wall_time_too_short: warning('a wall time below what the steps took before'),
  cost_over_limit: warning('a cost limit below what the steps cost before'),
  parallel_over_slots: warning('more programs at a time than an executor runs'),
  threshold_unreachable: warning('thresholds that no score is between or below'),
  nobody_to_approve: warning('approvals that nobody, or too few, may give'),
  step_cannot_run: warning(
    'a step that would fail where the executor is: its program is missing, ...',
  ),
  not_planned: warning('a plan that is made when the directive starts, and cannot be shown before'),
} as const satisfies Record<string, IssueMeaning>;
export type IssueCode = keyof typeof issueCodes;

/** Of an issue as it is written: without the member it is an error. */
export const isWarning = (issue: { readonly severity?: Severity | undefined }): boolean =>
  issue.severity === 'warning';
