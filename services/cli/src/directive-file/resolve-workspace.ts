/**
 * Where the work is done, as the file names it: relative to the file, not to whoever runs it. Owns
 * the early look at a repository, so that a slip is told at once and not by an executor later.
 */
import { type DirectiveFileInput, type Issue, type IssueCode, nearest } from '@writ/contracts';
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';

import { CliError } from '../cli-error';

type Workspace = NonNullable<DirectiveFileInput['workspace']>;

/** Makes a relative path absolute. Its variables are replaced, since they decide which it is. */
export function resolveWorkspace(
  directive: DirectiveFileInput,
  folder: string,
): DirectiveFileInput {
  const { workspace, variables = {} } = directive;
  if (workspace === undefined || workspace.kind === 'none') return directive;
  const absolute = (path: string) => {
    const replaced = replaceVariables(path, variables);
    // What is still a variable is unknown: the planner says so. An address is no path.
    if (replaced === undefined || isRemote(replaced)) return path;
    return resolve(folder, replaced).replaceAll('${', () => '$${');
  };
  const resolved: Workspace =
    workspace.kind === 'git'
      ? { ...workspace, repository: absolute(workspace.repository) }
      : { ...workspace, path: absolute(workspace.path) };
  return { ...directive, workspace: resolved };
}

function replaceVariables(
  text: string,
  variables: Readonly<Record<string, string>>,
): string | undefined {
  let unknown = false;
  const replaced = text.replace(/\$\$\{|\$\{([^}]*)\}/g, (whole, name: string | undefined) => {
    if (name === undefined) return '${';
    if (!Object.hasOwn(variables, name)) unknown = true;
    return variables[name] ?? whole;
  });
  return unknown ? undefined : replaced;
}

function isRemote(path: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(path) || /^[^/\s]+@[^/\s]+:/.test(path);
}

/**
 * Looks at a workspace on this machine. What is wrong has one of the codes repository_missing,
 * not_a_repository, no_commit, base_branch_missing and directory_missing.
 */
export function checkWorkspace(directive: DirectiveFileInput): Issue | undefined {
  const { workspace, variables = {} } = directive;
  if (workspace === undefined || workspace.kind === 'none') return undefined;
  const isGit = workspace.kind === 'git';
  const path = replaceVariables(isGit ? workspace.repository : workspace.path, variables);
  if (path === undefined || isRemote(path)) return undefined;
  const issue = (code: IssueCode, message: string, key = isGit ? 'repository' : 'path'): Issue => {
    return { code, message, path: `/workspace/${key}` };
  };
  if (!isFolder(path)) {
    return isGit
      ? issue('repository_missing', `the repository ${path} does not exist`)
      : issue('directory_missing', `the directory ${path} does not exist`);
  }
  if (!isGit) return undefined;
  if (git(path, ['rev-parse', '--git-dir']) === undefined) {
    return issue('not_a_repository', `${path} is not in a git repository; "git init" makes one`);
  }
  const branch = replaceVariables(workspace.baseBranch ?? '', variables);
  if (branch && hasCommit(path, `refs/heads/${branch}`)) return undefined;
  if (!hasCommit(path, 'HEAD')) {
    const message = `the repository ${path} has no commit yet; the work needs one to start from`;
    return issue('no_commit', message);
  }
  if (!branch) return undefined;
  return issue('base_branch_missing', branchMissing(path, branch), 'baseBranch');
}

function hasCommit(path: string, name: string): boolean {
  return git(path, ['rev-parse', '--verify', '--quiet', `${name}^{commit}`]) !== undefined;
}

function branchMissing(path: string, branch: string): string {
  const listed = git(path, ['for-each-ref', '--format=%(refname:short)', 'refs/heads']) ?? '';
  const near = nearest(branch, listed.split('\n').filter(Boolean));
  const hint = near === undefined ? '' : `; did you mean "${near}"?`;
  return `the repository ${path} has no branch "${branch}"${hint}`;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** What git prints, undefined when it says no. Throws CliError when there is no git. */
function git(cwd: string, argv: string[]): string | undefined {
  try {
    return execFileSync('git', argv, {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 10_000,
      env: gitEnvironment(),
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new CliError(
        'git_missing',
        'git is not installed, and the workspace is a git repository',
      );
    }
    return undefined;
  }
}

/** Without GIT_DIR and its like, which would point git elsewhere; nothing asks for a password. */
function gitEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  return { ...Object.fromEntries(entries), GIT_TERMINAL_PROMPT: '0' };
}
