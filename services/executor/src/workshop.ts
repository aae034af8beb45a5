/** Where steps are analysed and carried out: on this machine, here, or in the simulator. */
import type { RunWork } from '@writ/contracts';
import { commandOf } from './adapters';
import type { CachedRun } from './run-cache/cache-table';
import { analyseStep, type Analysis } from './stages/analyse-step';
import { compileRequest, type CompiledRequest } from './stages/compile-request';
import {
  compileProgram,
  layWorkspace,
  type CompiledProgram,
  type LaidWorkspace,
} from './stages/compile-step';
import { executeStep, type Execution, type ExecutionTools } from './stages/execute-step';
import { handOut, type Outcome } from './stages/hand-out';
import { candidateSeen } from './stages/take-outputs';
import { removeWorkFolder, type WorkFolder } from './work-folders';

export interface Compiled {
  readonly laid: LaidWorkspace;
  readonly program?: CompiledProgram;
  readonly request?: CompiledRequest;
  /** What the ref of the candidate commit was before. */
  readonly refSeen: string | undefined;
}

export interface Workshop {
  /** What the step works with; nothing is made or changed. Throws StageFailed. */
  analyse(work: RunWork): Promise<Analysis>;
  /** Makes the folder and everything that the step begins with. Throws StageFailed. */
  compile(work: RunWork, analysis: Analysis, folder: WorkFolder): Promise<Compiled>;
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
  compile: async (work, analysis, folder) => {
    const { adapter, runId } = work;
    const refSeen = await candidateSeen(work);
    const laid = await layWorkspace(work, analysis, folder, tools);
    const command = commandOf(adapter);
    if (command !== undefined) {
      return { laid, program: await compileProgram(work, command, laid, folder, tools), refSeen };
    }
    if (adapter.kind !== 'http') return { laid, refSeen };
    return { laid, request: compileRequest(adapter, runId, tools.programs), refSeen };
  },
  execute: (task) => executeStep(task, tools),
  handOut: (work, found, analysis, folder) => handOut(work, found, analysis, folder, tools),
  remove: (folder) => removeWorkFolder(folder.path),
});
