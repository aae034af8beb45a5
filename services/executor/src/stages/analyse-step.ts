/**
 * Analysis: what a step will work with, and the bundle of everything that can change its result.
 * Nothing is made or changed here.
 */
import { realpath, stat } from 'node:fs/promises';
import type { ContentStore } from '@writ/content-store';
import type { Adapter, InputBundle, RunWork } from '@writ/contracts';
import { bundleOf } from '@writ/domain';
import {
  findProgram,
  isInside,
  looksLikeSecret,
  ownFoldersIn,
  type ProgramHost,
} from '@writ/programs';
import { adapterOf, commandOf } from '../adapters';
import type { AdapterOf } from '../adapters/adapter';
import { digestFolder } from '../workspaces/digest-folder';
import { digestOfText } from './digest-of-text';
import { commitOf, gitLine, type GitPlace } from '../workspaces/git';
import { variablesIn } from './compile-request';
import { failStage } from './stage-log';

export interface Analysis {
  readonly bundle: InputBundle;
  /** False when two runs with this bundle may still differ in their input. */
  readonly comparable: boolean;
  /** The commit that a step in a git workspace starts from. */
  readonly start?: string;
  /** The commit of the attempt before, whose files a rework goes on with. */
  readonly files?: string;
}

export interface AnalysisTools {
  readonly content: Pick<ContentStore, 'has'>;
  readonly programs: ProgramHost;
}

/** Throws StageFailed. */
export async function analyseStep(work: RunWork, tools: AnalysisTools): Promise<Analysis> {
  await findEarly(work, tools);
  const workspace = await workspaceOf(work, tools.programs);
  const { kind, ...command } = work.adapter;
  const bundle = bundleOf(
    {
      adapter: { kind, version: adapterOf(work.adapter as Adapter).version },
      command,
      inputs: work.inputs,
      dependencies: work.dependencies.flatMap(({ step, artifacts }) =>
        artifacts.map(({ path, digest }) => ({
          kind: 'artifact',
          name: `${step}/${path}`,
          digest,
        })),
      ),
      checks: work.verify,
      workspace: workspace.component,
      environment: environmentOf(work, tools.programs),
      outputs: work.outputs,
      rework: reworkOf(work, workspace.filesTree),
    },
    digestOfText,
  );
  const comparable = workspace.component !== undefined;
  return { bundle, comparable, start: workspace.start, files: workspace.files };
}

/** Which run it was, and which commit, says nothing about what it made. */
function reworkOf({ rework }: RunWork, tree: string | undefined): unknown {
  if (rework === undefined) return undefined;
  const { instructions, checks, previous, continues } = rework;
  const artifacts = previous.artifacts.map(({ path, digest }) => ({ path, digest }));
  return { instructions, checks, artifacts, continues, ...(tree === undefined ? {} : { tree }) };
}

/** What is missing is told before anything is made. */
async function findEarly(work: RunWork, { content, programs }: AnalysisTools): Promise<void> {
  const name = commandOf(work.adapter)?.argv[0];
  // A program in the workspace or among the inputs may not be there yet: see compilation.
  if (name !== undefined && !name.includes('/') && !name.includes('${')) {
    const found = await findProgram(name, { cwd: '/', path: programs.path });
    if (typeof found !== 'string') throw failStage('spawn', found.code, found.message);
  }
  for (const input of work.inputs) {
    if (await content.has(input.digest)) continue;
    const message = `the input ${input.name} (${input.digest}) is not in the content store; submit again`;
    throw failStage('invalid', 'input_missing', message);
  }
}

/** What a step can reach beyond its inputs. Values of secrets stay out. */
function environmentOf(work: RunWork, programs: ProgramHost): unknown {
  if (work.adapter.kind === 'http') return { headers: variablesOf(work.adapter, programs) };
  if (commandOf(work.adapter) === undefined) return null;
  const { passed, secretNames, sandbox } = programs;
  const open = Object.entries(passed).filter(([name]) => !secretNames.includes(name));
  const secret = Object.keys(passed).filter((name) => secretNames.includes(name));
  return { passed: Object.fromEntries(open), secret: secret.sort(), network: sandbox.network };
}

function variablesOf(adapter: AdapterOf<'http'>, { passed, secretNames }: ProgramHost): unknown {
  return variablesIn(adapter).map((name) => {
    const secret = secretNames.includes(name) || looksLikeSecret(name);
    return { name, value: secret ? null : (passed[name] ?? null) };
  });
}

interface FoundWorkspace {
  /** Undefined when it cannot be compared. */
  readonly component: unknown;
  readonly start?: string;
  readonly files?: string;
  readonly filesTree?: string;
}

async function workspaceOf(work: RunWork, programs: ProgramHost): Promise<FoundWorkspace> {
  const { spec, path, branch, baseCommit } = work.workspace;
  if (spec.kind === 'none') return { component: { kind: 'none' } };
  if (path === undefined) {
    throw failStage(
      'invalid',
      'workspace_missing',
      'the workspace of the directive is not prepared',
    );
  }
  if (spec.kind === 'directory') {
    const root = await folderAt(path, programs);
    const digest = await digestFolder(root, leftOut(root, programs));
    return { component: digest && { kind: 'directory', files: digest } };
  }
  const place = { cwd: path };
  const head = await commitOf(`refs/heads/${branch ?? ''}`, place).catch(() => undefined);
  if (head === undefined) throw missing(`the branch ${branch}`, path);
  const { rework } = work;
  const files = rework?.continues === true ? rework.previous.commit : undefined;
  const start = files === undefined ? head : await forkOf(head, files, place);
  if (start === undefined) throw missing(`the commit ${files}`, path);
  const tree = await gitLine(['rev-parse', `${start}^{tree}`], place);
  const component = { kind: 'git', baseCommit, tree };
  if (files === undefined) return { component, start };
  return {
    component,
    start,
    files,
    filesTree: await gitLine(['rev-parse', `${files}^{tree}`], place),
  };
}

/** Where the previous attempt left the branch: what it has changed since is the step's. */
async function forkOf(head: string, commit: string, place: GitPlace): Promise<string | undefined> {
  if ((await commitOf(commit, place).catch(() => undefined)) === undefined) return undefined;
  return gitLine(['merge-base', head, commit], place);
}

const missing = (what: string, path: string) =>
  failStage('invalid', 'workspace_missing', `${what} is not in the repository ${path} any more`);

async function folderAt(path: string, programs: ProgramHost): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    throw failStage('invalid', 'workspace_missing', `the folder ${path} is not there any more`);
  }
  const root = await realpath(path);
  if (programs.hidden.some((folder) => isInside(folder, root))) {
    const message = `the folder ${path} is the executor's own; name another workspace`;
    throw failStage('invalid', 'workspace_is_ours', message);
  }
  return root;
}

/**
 * What of a folder is not the step's: the repository in it, and the executor's own folders when they
 * lie there, as `.writ` does by default.
 */
export function leftOut(root: string, programs: ProgramHost): (path: string) => boolean {
  const ours = ownFoldersIn(root, programs.hidden);
  return (path) => path === '.git' || ours.includes(path);
}
