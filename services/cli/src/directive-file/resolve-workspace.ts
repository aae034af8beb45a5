/**
 * Where the work is done, as the file names it: relative to the file, not to whoever runs it. Owns
 * the early look at a repository, so that a slip is told at once and not by an executor later.
 */
import { type DirectiveFileInput, nearest } from '@writ/contracts';
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
 * Looks at a workspace on this machine. Throws CliError: repository_missing, not_a_repository,
 * no_commit, base_branch_missing or directory_missing.
 */
export function checkWorkspace(directive: DirectiveFileInput): void {
  const { workspace, variables = {} } = directive;
  if (workspace === undefined || workspace.kind === 'none') return;
  const named = workspace.kind === 'git' ? workspace.repository : workspace.path;
  const path = replaceVariables(named, variables);
  if (path === undefined || isRemote(path)) return;
  if (!isFolder(path)) {
    const code = workspace.kind === 'git' ? 'repository_missing' : 'directory_missing';
    const message = `the ${workspace.kind === 'git' ? 'repository' : 'directory'} ${path} does not exist`;
    throw new CliError(code, message, { path });
  }
  if (workspace.kind !== 'git') return;
  if (git(path, ['rev-parse', '--git-dir']) === undefined) {
    const message = `${path} is not in a git repository; "git init" makes one`;
    throw new CliError('not_a_repository', message, { path });
  }
  const branch = replaceVariables(workspace.baseBranch ?? '', variables);
  if (branch && hasCommit(path, `refs/heads/${branch}`)) return;
  if (!hasCommit(path, 'HEAD')) {
    const message = `the repository ${path} has no commit yet; the work needs one to start from`;
    throw new CliError('no_commit', message, { path });
  }
  if (branch) throw branchMissing(path, branch);
}

function hasCommit(path: string, name: string): boolean {
  return git(path, ['rev-parse', '--verify', '--quiet', `${name}^{commit}`]) !== undefined;
}

function branchMissing(path: string, branch: string): CliError {
  const listed = git(path, ['for-each-ref', '--format=%(refname:short)', 'refs/heads']) ?? '';
  const near = nearest(branch, listed.split('\n').filter(Boolean));
  const hint = near === undefined ? '' : `; did you mean "${near}"?`;
  const message = `the repository ${path} has no branch "${branch}"${hint}`;
  return new CliError('base_branch_missing', message, { path, branch });
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
