/**
 * Runs a step that has to be executed, here or by somebody else: looks for a recorded success, claims
 * the run, executes, ends it.
 *
 * S1 Only the holder of the lease works on a run; only the holder of the claim writes its end. What
 *    was claimed before is claimed anew before it is ended, also when nothing has to be run.
 * S2 What was taken over without being idempotent is ended as in doubt, before anything is done.
 * S3 A claim whose lease row is not there (the database lost it) is left alone until the time of a
 *    lease has passed since it was made.
 * S4 A run that no event of its directive has started is not run, whatever a message says.
 * S5 When the run is lost, nothing of it is written; its folders are removed all the same.
 */
import {
  streamOf,
  TerminalError,
  type AttemptRecord,
  type EventMetadata,
  type InputBundle,
  type RunEnded,
  type RunError,
  type RunWork,
} from '@writ/contracts';
import type { RunCommand, RunState } from '@writ/domain';
import type { Incoming } from '@writ/messaging';
import { redactText } from '@writ/programs';
import type { ActiveRun } from './active-runs';
import { adapterOf } from './adapters';
import { metadataOf, type Executor } from './executor';
import type { AcquiredLease } from './leases/leases';
import { recordRun, tellAgain } from './record-run';
import type { Found } from './run-cache/run-cache';
import type { Analysis } from './stages/analyse-step';
import { errorOf } from './stages/execute-step';
import { handedOut, type Outcome } from './stages/hand-out';
import { RunLost } from './stages/process-step';
import { StageLog } from './stages/stage-log';
import { workFolder, type WorkFolder } from './work-folders';
import type { Compiled } from './workshop';

/** With the lease in hand. Throws RunLost when the run is for somebody else to go on with. */
export async function runProgramStep(
  deps: Executor,
  message: Incoming<RunWork>,
  run: ActiveRun,
  lease: AcquiredLease,
): Promise<void> {
  const work = message.data;
  const { state } = await deps.runs.load(streamOf.run(work.runId));
  if (state.status === 'ended') {
    await tellAgain(deps, work.runId, message);
    return;
  }
  if (!mayTakeOver(state, lease, deps.leases.ttlMs)) return; // S3
  const wanted = await deps.watch.look(work.directiveId, work.runId);
  if (wanted === 'unknown') {
    const text = `no event of directive ${work.directiveId} has started run ${work.runId}`;
    throw new TerminalError('unknown_run', text); // S4
  }
  if (wanted === 'cancelled') run.end('cancelled');
  const runner = new ProgramRunner(deps, message, run, lease, state);
  try {
    await runner.carryOut();
  } finally {
    await runner.cleanUp();
  }
}

/** S3, by the database's clock on both sides. */
function mayTakeOver(state: RunState, lease: AcquiredLease, ttlMs: number): boolean {
  if (state.status !== 'claimed' || lease.tookOver) return true;
  return Date.parse(state.claimedAt) + ttlMs < Date.parse(lease.now);
}

class ProgramRunner {
  private readonly began: number;
  private readonly work: RunWork;
  private readonly stages: StageLog;
  private readonly folder: WorkFolder;
  private readonly metadata: EventMetadata;
  private claim: number;
  private claimed = false;
  private analysis: Analysis | undefined;
  private madeFolder = false;
  private asked = false;

  constructor(
    private readonly deps: Executor,
    message: Incoming<RunWork>,
    private readonly run: ActiveRun,
    lease: AcquiredLease,
    private readonly before: RunState,
  ) {
    this.work = message.data;
    this.began = deps.clock.now();
    this.stages = new StageLog(() => deps.clock.time());
    this.folder = workFolder(deps.programs.dataDir, this.work.runId, lease.token);
    this.metadata = metadataOf(message, this.work.directiveId);
    this.claim = before.status === 'claimed' ? before.claimed.claim + 1 : 1;
  }

  async carryOut(): Promise<void> {
    if (this.before.status === 'claimed') {
      this.deps.metrics.takeovers.inc();
      if (!this.work.idempotent) return this.claimFor(this.before.claimed.bundle); // S2
    }
    await this.end(await this.outcome());
  }

  /** Never throws: what stays behind is swept at the next start. */
  async cleanUp(): Promise<void> {
    this.run.recorded(false); // S5
    const { cache, logger } = this.deps;
    try {
      const hash = this.analysis?.bundle.hash;
      if (this.asked && hash !== undefined) await cache.failed(hash, this.work.runId);
      if (this.madeFolder) await this.deps.workshop.remove(this.folder);
    } catch (error) {
      logger.warn({ err: error, runId: this.work.runId }, 'something of a run is left behind');
    }
  }

  private async outcome(): Promise<Outcome> {
    try {
      this.run.waiting.throwIfAborted();
      return await this.goThroughStages();
    } catch (error) {
      if (error instanceof RunLost) throw error;
      if (this.run.stoppedBy === 'cancelled') return failed('cancelled', CANCELLED);
      if (this.run.waiting.aborted) throw new RunLost(this.work.runId, 'it had not begun');
      return failed('failed', errorOf(error));
    }
  }

  private async goThroughStages(): Promise<Outcome> {
    const { deps, work, stages, run, folder } = this;
    const analysis = await stages.run('analysis', () => deps.workshop.analyse(work));
    this.analysis = analysis;
    const found = await this.lookUp(analysis);
    if (found.hit) {
      stages.skip('compilation', 'processing');
      if (work.workspace.spec.kind === 'none') return handedOut(found);
      this.madeFolder = true;
      return deps.workshop.handOut(work, found, analysis, folder);
    }
    const compiled = await stages.run('compilation', () => this.compile(analysis));
    await this.claimFor(analysis.bundle, 'claimed');
    const noteAttempt = async (attempt: AttemptRecord) => {
      await this.record({ type: 'note-attempt', executorId: deps.executorId, attempt });
      run.recorded(true);
    };
    const { claim } = this;
    const task = { work, run, claim, ...compiled, folder, stages, noteAttempt };
    return deps.workshop.execute(task);
  }

  private async lookUp({ bundle, comparable }: Analysis): Promise<Found> {
    const { cache, metrics } = this.deps;
    if (!this.work.cache || !comparable) {
      metrics.cacheLookups.inc({ result: 'off' });
      return { hit: false };
    }
    this.asked = true;
    const found = await cache.find(bundle.hash, this.work.runId, this.run.waiting);
    metrics.cacheLookups.inc({ result: found.hit ? 'hit' : 'miss' });
    return found;
  }

  private compile(analysis: Analysis): Promise<Compiled> {
    this.madeFolder = true;
    const { work, folder, deps } = this;
    return deps.workshop.compile(work, analysis, folder);
  }

  /**
   * The lease is ours, so whoever claimed before has none any more. Throws RunLost when the run is
   * not in the state that this has to lead to: nothing is run without a claim (S1).
   */
  private async claimFor(bundle: InputBundle, expected?: RunState['status']): Promise<void> {
    const run = { ...this.identity(), bundle, stages: [...this.stages.records] };
    const { idempotent } = this.work;
    const at = this.deps.clock.time();
    const over = this.before.status === 'claimed' ? this.before.claimed.claim : 0;
    this.run.endUnlessOurs(this.deps.clock.now());
    if (this.run.stoppedBy === 'lost') throw new RunLost(this.work.runId, 'its lease is lost');
    const state = await this.record({ type: 'claim', run, idempotent, over, at });
    if (state.status === 'claimed') {
      this.claim = state.claimed.claim;
      this.claimed = true;
    }
    if (expected === undefined || state.status === expected) return;
    throw new RunLost(this.work.runId, `it is ${state.status}`);
  }

  private async record(command: RunCommand): Promise<RunState> {
    const state = await recordRun(this.deps, this.work.runId, command, this.metadata);
    if (state === undefined) throw new RunLost(this.work.runId, 'somebody else has claimed it');
    return state;
  }

  private async end(outcome: Outcome): Promise<void> {
    if (this.before.status === 'claimed' && !this.claimed) {
      await this.claimFor(this.analysis?.bundle ?? this.before.claimed.bundle, 'claimed'); // S1
    }
    const { needles } = this.deps.programs;
    const { error, result } = outcome;
    const comparable = this.work.cache && this.analysis?.comparable === true;
    const ended: RunEnded = {
      ...this.identity(),
      claim: this.claim,
      bundle: this.analysis?.bundle,
      ...(result === 'success' && !comparable ? { cacheable: false } : {}),
      stages: this.stages.records,
      attempts: [],
      durationMs: Math.round(this.deps.clock.now() - this.began),
      ...outcome,
      error: error && { ...error, message: redactText(error.message, { needles, patterns: true }) },
    };
    const command = { type: 'end', ended } as const;
    const recorded = await recordRun(this.deps, this.work.runId, command, this.metadata);
    if (recorded === undefined) this.deps.metrics.leaseLosses.inc(); // S1: it was taken over meanwhile
    this.run.recorded(recorded !== undefined);
  }

  private identity() {
    const { runId, directiveId, step, type: stepType, attempt, adapter } = this.work;
    const { version } = adapterOf(adapter as never) as { version: string };
    const { executorId, programs } = this.deps;
    const sandbox = programs.sandbox.level;
    const of = { kind: adapter.kind, version };
    return { runId, directiveId, step, stepType, attempt, executorId, adapter: of, sandbox };
  }
}

const CANCELLED: RunError = {
  kind: 'cancelled',
  code: 'cancelled',
  message: 'the step was cancelled before it began',
};

const failed = (result: RunEnded['result'], error: RunError): Outcome => ({
  ...{ result, error, exitCode: null, artifacts: [] },
});
