/** Where programs of steps are made ready and run: on this machine, here, or in the simulator. */
import type { RunWork } from '@writ/contracts';
import type { ProgramCommand } from './adapters/adapter';
import type { Analysis } from './stages/analyse-step';
import {
  compileProgram,
  layWorkspace,
  type CompiledProgram,
  type LaidWorkspace,
} from './stages/compile-step';
import { executeProgram, type Execution, type ExecutionTools } from './stages/execute-program';
import type { Outcome } from './stages/hand-out';
import { removeWorkFolder, type WorkFolder } from './work-folders';

export interface Compiled {
  readonly laid: LaidWorkspace;
  readonly program: CompiledProgram;
}

export interface Workshop {
  /** Makes the folder and everything that the program is started with. Throws StageFailed. */
  compile(
    work: RunWork,
    command: ProgramCommand,
    analysis: Analysis,
    folder: WorkFolder,
  ): Promise<Compiled>;
  /** Throws RunLost. */
  execute(task: Execution): Promise<Outcome>;
  remove(folder: WorkFolder): Promise<void>;
}

export const localWorkshop = (tools: ExecutionTools): Workshop => ({
  compile: async (work, command, analysis, folder) => {
    const laid = await layWorkspace(work, analysis, folder, tools);
    return { laid, program: await compileProgram(work, command, laid, folder, tools) };
  },
  execute: (task) => executeProgram(task, tools),
  remove: (folder) => removeWorkFolder(folder.path),
});
