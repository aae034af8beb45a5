/** Where steps are analysed and their programs run: on this machine, here, or in the simulator. */
import type { RunWork } from '@writ/contracts';
import type { ProgramCommand } from './adapters/adapter';
import type { CachedRun } from './run-cache/cache-table';
import { analyseStep, type Analysis } from './stages/analyse-step';
import {
  compileProgram,
  layWorkspace,
  type CompiledProgram,
  type LaidWorkspace,
} from './stages/compile-step';
import { executeProgram, type Execution, type ExecutionTools } from './stages/execute-program';
import { handOut, type Outcome } from './stages/hand-out';
import { candidateSeen } from './stages/take-outputs';
import { removeWorkFolder, type WorkFolder } from './work-folders';

export interface Compiled {
  readonly laid: LaidWorkspace;
  readonly program: CompiledProgram;
  /** What the ref of the candidate commit was before. */
  readonly refSeen: string | undefined;
}

export interface Workshop {
  /** What the step works with; nothing is made or changed. Throws StageFailed. */
  analyse(work: RunWork): Promise<Analysis>;
  /** Makes the folder and everything that the program is started with. Throws StageFailed. */
  compile(
    work: RunWork,
    command: ProgramCommand,
    analysis: Analysis,
    folder: WorkFolder,
  ): Promise<Compiled>;
  /** Throws RunLost. */
  execute(task: Execution): Promise<Outcome>;
  /** What another run has made, as if this one had made it. */
  handOut(
    work: RunWork,
    found: CachedRun,
    analysis: Analysis,
    folder: WorkFolder,
  ): Promise<Outcome>;
  remove(folder: WorkFolder): Promise<void>;
}

export const localWorkshop = (tools: ExecutionTools): Workshop => ({
  analyse: (work) => analyseStep(work, tools),
  compile: async (work, command, analysis, folder) => {
    const refSeen = await candidateSeen(work);
    const laid = await layWorkspace(work, analysis, folder, tools);
    return { laid, program: await compileProgram(work, command, laid, folder, tools), refSeen };
  },
  execute: (task) => executeProgram(task, tools),
  handOut: (work, found, analysis, folder) => handOut(work, found, analysis, folder, tools),
  remove: (folder) => removeWorkFolder(folder.path),
});
