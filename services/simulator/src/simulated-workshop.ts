/**
 * Where an executor of the simulator runs programs: the executor's own loop of tries, over programs
 * of the simulated machine. Files are left out: what a program makes is one artifact that follows from
 * its script.
 */
import { createHash } from 'node:crypto';
import type { ContentStore } from '@writ/content-store';
import { canonicalJson, type ArtifactRef, type Clock, type RunWork } from '@writ/contracts';
import {
  analyseStep,
  commandOf,
  handedOut,
  leaveInTime,
  lost,
  Places,
  processStep,
  troubleOf,
} from '@writ/executor';
import type { Analysis, Execution, Outcome, StepHost, Tried, Workshop } from '@writ/executor';
import type { Machine } from './machine';
import { programIn } from './scripts';
import type { SimulatedGit } from './simulated-git';
import type { SimulatedProcess } from './simulated-process';
import type { SimulatedWarden } from './simulated-warden';

export interface WorkshopTools {
  readonly process: SimulatedProcess;
  readonly machine: Machine;
  readonly warden: SimulatedWarden;
  readonly content: ContentStore;
  readonly host: StepHost;
  readonly git: SimulatedGit;
  readonly clock: Clock;
  readonly random: () => number;
  readonly leaveMs: number;
}

const nothingSaid = { bytes: { stdout: 0, stderr: 0 }, last: { stdout: '', stderr: '' } };

export function simulatedWorkshop(tools: WorkshopTools): Workshop {
  const { git } = tools;
  return {
    analyse: (work) => analyse(work, tools),
    compile: ({ runId, adapter }) => {
      const { argv = [] } = commandOf(adapter) ?? {};
      return Promise.resolve({
        laid: { root: '/simulated', places: [] },
        program: {
          run: { argv: argv as [string, ...string[]], cwd: '/simulated', env: {}, places: [] },
          shown: argv.join(' '),
        },
        refSeen: git.candidateOf(runId),
      });
    },
    execute: (task) => execute(task, tools),
    handOut: async (work, found) => {
      const outcome = handedOut(found);
      if (work.workspace.spec.kind !== 'git') return outcome;
      const seen = git.candidateOf(work.runId);
      return { ...outcome, commit: await git.keepCandidate(work.runId, 'handed out', seen) };
    },
    remove: () => Promise.resolve(),
  };
}

/** As the executor does it, but for what it would ask git: see `SimulatedGit`. */
async function analyse(work: RunWork, { host, content, git }: WorkshopTools): Promise<Analysis> {
  const { spec } = work.workspace;
  const without = { ...work, workspace: { spec: { kind: 'none' } as const } };
  const analysis = await analyseStep(without, { content, programs: host });
  if (spec.kind === 'none') return analysis;
  if (spec.kind === 'directory') return { ...analysis, comparable: false };
  const start = git.headOf(work.directiveId);
  if (start === undefined) throw new Error(`there is no branch of ${work.directiveId}`);
  const components = { ...analysis.bundle.components, workspace: digestOf(start) };
  const bundle = { ...analysis.bundle, components, hash: digestOf(canonicalJson(components)) };
  return { bundle, comparable: true, start };
}

const digestOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

async function execute(task: Execution, tools: WorkshopTools): Promise<Outcome> {
  const { work, run, claim, stages, noteAttempt } = task;
  const { clock, random, leaveMs } = tools;
  const startedAt = clock.time();
  const stayed = leaveInTime(run, leaveMs, clock);
  try {
    const doing = { clock, random, noteAttempt };
    const done = await processStep(work, run, claim, () => tryOnce(task, tools), doing);
    const { result, error, exitCode, signal, attempts, usage } = done;
    const ended = { result, error, exitCode, signal, attempts: [...attempts], usage };
    if (error === undefined) stages.succeed('processing', startedAt);
    else stages.fail('processing', startedAt, error.message);
    if (error !== undefined) return { ...ended, artifacts: [] };
    return { ...ended, artifacts: await artifactsOf(task, tools), ...(await commit(task, tools)) };
  } finally {
    stayed();
  }
}

async function tryOnce({ work, run, claim, program }: Execution, tools: WorkshopTools) {
  const script = programIn(program?.run.argv ?? []);
  const { process, machine, warden } = tools;
  const end = await machine.execute({ process, work, run, claim, script }, warden);
  if (end.stoppedBy === 'lost' || end.stoppedBy === 'shutdown') throw lost(work, run);
  const error = troubleOf(end, nothingSaid, work);
  const { costUsd } = script;
  const usage = costUsd === undefined ? undefined : { costUsd, inputTokens: 10, outputTokens: 1 };
  return { end, error, reported: [], said: nothingSaid, usage } satisfies Tried;
}

async function commit({ work, claim, refSeen }: Execution, { git }: WorkshopTools) {
  if (work.workspace.spec.kind !== 'git') return {};
  return { commit: await git.keepCandidate(work.runId, `by claim ${claim}`, refSeen) };
}

async function artifactsOf(
  { program }: Execution,
  { content }: WorkshopTools,
): Promise<ArtifactRef[]> {
  const { id } = programIn(program?.run.argv ?? []);
  const stored = await content.putMany([Buffer.from(`what ${id} makes`)]);
  return stored.map(({ digest, bytes }) => ({ path: `${id}.txt`, digest, bytes }));
}

/** What the executor wants to know of a machine, where there is none. */
export function simulatedHost(slots: number, warden: SimulatedWarden): StepHost {
  const nothing = () => undefined;
  const host: Omit<StepHost, 'pipes' | 'warden' | 'sandbox'> = {
    ...{ dataDir: '/simulated', path: '', hidden: [], passed: {}, secretNames: [], readable: [] },
    counters: { started: nothing, wrote: nothing, redacted: nothing },
    needles: [],
    places: new Places({ program: slots, shell: slots, programs: slots, http: 1, worker: 1 }),
    maxOutputBytes: 1024,
  };
  // Pipes are nobody's here, and of the sandbox only what is recorded is asked for.
  return { ...host, warden, sandbox: { level: 'S2', network: 'off' } } as unknown as StepHost;
}
