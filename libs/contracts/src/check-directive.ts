/**
 * Checks a directive as submitted, alone: its keys, forms and limits. Whether its steps fit together
 * is decided by the planner, which knows the rules of planning.
 */
import { DirectiveFile, type Issue } from './directive-file';
import { explainIssues } from './explain-issues';

export type CheckedDirective = { directive: DirectiveFile } | { issues: Issue[] };

/** Kinds of adapter that the format knows and this version cannot run. */
const LATER_ADAPTERS = ['prompt', 'agent', 'http', 'worker'];

/** With every default filled in, or everything that is wrong with it. */
export function checkDirectiveFile(value: unknown): CheckedDirective {
  const parsed = DirectiveFile.safeParse(value);
  if (parsed.success) return { directive: parsed.data };
  const issues = explainIssues(DirectiveFile, parsed.error, value);
  return { issues: issues.map((issue) => nameLaterAdapter(issue)) };
}

function nameLaterAdapter(issue: Issue): Issue {
  if (issue.code !== 'unknown_value' || !issue.path.endsWith('/adapter/kind')) return issue;
  const kind = LATER_ADAPTERS.find((it) => issue.message.includes(`cannot be "${it}"`));
  if (kind === undefined) return issue;
  const message = `the adapter "${kind}" is not available in this version; use program or shell`;
  return { ...issue, code: 'not_available', message };
}
