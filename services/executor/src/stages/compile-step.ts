/**
 * Compilation: makes the folder that a step works in and everything that its program is started
 * with, final to the last argument.
 */
import { realpath, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ContentError, type ContentStore } from '@writ/content-store';
import { HUMAN_ANSWER, type RunWork } from '@writ/contracts';
import {
  findProgram,
  isInside,
  ownFoldersIn,
  placesOf,
  type Place,
  type ProgramHost,
  type ProgramRun,
} from '@writ/programs';
import type { ProgramCommand } from '../adapters/adapter';
import { makeWorkFolder, noteWorktree, type WorkFolder } from '../work-folders';
import { InsideFolder, PathRefused } from '../workspaces/inside-folder';
import { layArtifacts, type LaidFile } from '../workspaces/lay-artifacts';
import { addWorktree, ignoredOf, repositoryPlaces, type Worktree } from '../workspaces/worktree';
import { layRework } from './lay-rework';
import type { Analysis } from './analyse-step';
import { failStage } from './stage-log';

/** The folder a step works in, with everything of earlier steps in it. */
export interface LaidWorkspace {
  readonly root: string;
  readonly worktree?: Worktree;
  readonly places: readonly Place[];
}

export interface CompiledProgram {
  readonly run: ProgramRun;
  readonly stdinFile?: string;
  readonly stdoutTo?: string;
  /** For people: what is run. */
  readonly shown: string;
}

export interface CompileTools {
  readonly content: ContentStore;
  readonly programs: ProgramHost;
}

/** Makes the folders. Throws StageFailed. */
export async function layWorkspace(
  work: RunWork,
  analysis: Analysis,
  folder: WorkFolder,
  tools: CompileTools,
): Promise<LaidWorkspace> {
  await makeWorkFolder(folder);
  const laid = await openWorkspace(work, analysis, folder, tools);
  const wanted = [...work.dependencies.flatMap(({ artifacts }) => artifacts), ...leftBefore(work)];
  // In a folder of the user's the files are where the earlier steps left them.
  if (work.workspace.spec.kind === 'none') await lay(laid.root, wanted, tools.content);
  if (laid.worktree !== undefined) await layIgnored(laid.worktree, wanted, tools.content);
  return laid;
}

/** What the previous attempt made, for one that goes on with it. */
function leftBefore({ rework }: RunWork): readonly LaidFile[] {
  return rework?.continues === true ? rework.previous.artifacts : [];
}

async function openWorkspace(
  work: RunWork,
  analysis: Analysis,
  folder: WorkFolder,
  { programs }: CompileTools,
): Promise<LaidWorkspace> {
  const { spec, path = '' } = work.workspace;
  if (spec.kind === 'none') {
    return { root: folder.scratch, places: [{ kind: 'writable', path: folder.scratch }] };
  }
  if (spec.kind === 'directory') {
    const root = await realpath(path);
    const hidden = ownFoldersIn(root, programs.hidden).map((name): Place => ({
      kind: 'hidden',
      path: join(root, name),
    }));
    return { root, places: [{ kind: 'writable', path: root }, ...hidden] };
  }
  const worktree = await addWorktree({
    repository: path,
    path: folder.worktree,
    start: analysis.start ?? '',
    files: analysis.files,
    indexFile: join(folder.own, 'index'),
  });
  await noteWorktree(folder, worktree);
  const readable = await repositoryPlaces(worktree);
  return {
    root: worktree.path,
    worktree,
    places: [
      ...readable.map((it): Place => ({ kind: 'readable', path: it })),
      { kind: 'writable', path: worktree.path },
    ],
  };
}

/** What earlier steps made and the repository ignores is in no commit: it is laid beside. */
async function layIgnored(
  worktree: Worktree,
  artifacts: readonly LaidFile[],
  content: ContentStore,
): Promise<void> {
  const root = new InsideFolder(worktree.path);
  const missing: LaidFile[] = [];
  for (const artifact of artifacts) {
    if ((await root.look(artifact.path)) === undefined) missing.push(artifact);
  }
  const ignored = new Set(
    await ignoredOf(
      worktree,
      missing.map(({ path }) => path),
    ),
  );
  await lay(
    worktree.path,
    missing.filter(({ path }) => ignored.has(path)),
    content,
  );
}

export async function lay(
  root: string,
  files: readonly LaidFile[],
  content: ContentStore,
): Promise<void> {
  try {
    await layArtifacts(new InsideFolder(root), files, content);
  } catch (error) {
    if (error instanceof PathRefused) throw failStage('invalid', error.code, error.message);
    if (error instanceof ContentError && error.code !== 'cannot_read') {
      throw failStage('invalid', `content_${error.code}`, error.message);
    }
    throw error;
  }
}

/** What people have answered: beside the inputs, since it belongs to no repository or directory. */
function answersFor({ dependencies }: RunWork): LaidFile[] {
  return dependencies.flatMap(({ step, artifacts }) =>
    artifacts
      .filter(({ path, authoredBy }) => path === HUMAN_ANSWER && authoredBy !== undefined)
      .map(({ digest }) => ({ path: `answers/${step}.json`, digest })),
  );
}

/** Everything that the program is started with. Throws StageFailed. */
export async function compileProgram(
  work: RunWork,
  command: ProgramCommand,
  laid: LaidWorkspace,
  folder: WorkFolder,
  { content, programs }: CompileTools,
): Promise<CompiledProgram> {
  await lay(
    folder.inputs,
    [...work.inputs.map(({ name, digest }) => ({ path: name, digest })), ...answersFor(work)],
    content,
  );
  const fill = (text: string) => text.replaceAll('${inputs}', folder.inputs);
  const cwd = await workingFolder(laid.root, command.cwd);
  const [name = '', ...args] = command.argv.map(fill);
  const program = await findProgram(name, { cwd, path: programs.path });
  if (typeof program !== 'string') throw failStage('spawn', program.code, program.message);
  const tools = [...programs.readable, ...(await placesOf(program))];
  const places: Place[] = [
    ...[...new Set(tools)].map((path): Place => ({ kind: 'readable', path })),
    ...laid.places,
    { kind: 'writable', path: folder.home },
    { kind: 'writable', path: folder.tmp },
    { kind: 'readable', path: folder.inputs },
    { kind: 'readable', path: folder.rework },
  ];
  const rework = await layRework(work, folder.rework, laid.worktree);
  const env = environmentOf(work, command, folder, programs, laid.worktree !== undefined, fill);
  let stdinFile: string | undefined;
  if (command.stdin !== undefined) {
    stdinFile = join(folder.own, 'stdin');
    await writeFile(stdinFile, fill(command.stdin), { mode: 0o600 });
  }
  return {
    run: {
      argv: [program, ...args],
      cwd,
      env: { ...env, ...rework },
      places: places.filter(outsideOf(laid.root)),
    },
    stdinFile,
    stdoutTo: command.stdoutTo,
    shown: JSON.stringify(command.argv),
  };
}

/** A tool that lies in the workspace is there already, and may have to be written. */
const outsideOf = (root: string) => (place: Place) =>
  place.kind !== 'readable' || !isInside(root, place.path);

async function workingFolder(root: string, cwd: string | undefined): Promise<string> {
  if (cwd === undefined) return root;
  const path = join(root, cwd);
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined || !(await stat(real)).isDirectory()) {
    throw failStage('invalid', 'cwd_missing', `there is no folder ${cwd} in the workspace`);
  }
  if (!isInside(root, real)) {
    throw failStage('invalid', 'cwd_outside', `the folder ${cwd} leads out of the workspace`);
  }
  return real;
}

/** What a program finds in its environment, and nothing else of ours. */
function environmentOf(
  work: RunWork,
  command: ProgramCommand,
  folder: WorkFolder,
  programs: ProgramHost,
  inRepository: boolean,
  fill: (text: string) => string,
): Record<string, string> {
  const own = Object.entries(command.env ?? {}).map(([name, value]) => [name, fill(value)]);
  return {
    PATH: programs.path,
    HOME: folder.home,
    LANG: 'C.UTF-8',
    TMPDIR: programs.sandbox.privateTmp ? '/tmp' : folder.tmp,
    ...programs.passed,
    ...(inRepository ? GIT : {}),
    ...(Object.fromEntries(own) as Record<string, string>),
    WRIT_DIRECTIVE: work.directiveId,
    WRIT_STEP: work.step,
    WRIT_RUN: work.runId,
    WRIT_ATTEMPT: String(work.attempt),
    WRIT_INPUTS: folder.inputs,
    ...(work.reserved && { WRIT_BUDGET: JSON.stringify(work.reserved) }),
  };
}

/** Git reads the repository, which belongs to another user id inside a sandbox, and writes nothing. */
const GIT = {
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: '*',
  GIT_OPTIONAL_LOCKS: '0',
};
