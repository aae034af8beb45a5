/**
 * Takes a step to run. What is run twice by a repeated message is nothing: a run that is under way
 * here or elsewhere is left to whoever works on it, one that has ended is told again.
 */
import { RunWork as RunWorkSchema, type RunWork } from '@writ/contracts';
import type { Incoming } from '@writ/messaging';
import { isAnsweredHere } from './adapters';
import type { ActiveRun } from './active-runs';
import type { Executor } from './executor';
import { surelyOursMs } from './leases/leases';
import { runAtOnce } from './run-at-once';
import { runProgramStep } from './run-program';
import { RunLost } from './stages/process-step';

export const parseRunWork = (data: unknown): RunWork => RunWorkSchema.parse(data);

export async function runStep(deps: Executor, message: Incoming<RunWork>): Promise<void> {
  const work = message.data;
  const run = deps.active.begin(work, message.signal);
  if (run === undefined) return;
  deps.metrics.running.set(deps.active.size);
  noteQueueTime(deps, message);
  let giveBack = (): void => undefined;
  try {
    if (await runAtOnce(deps, message, run)) return;
    if (isAnsweredHere(work.adapter)) {
      throw new Error(`run ${work.runId} has begun, and an ${work.adapter.kind} step never claims`);
    }
    giveBack = await placeFor(deps, run, work);
    await withLease(deps, run, (lease) => runProgramStep(deps, message, run, lease));
  } finally {
    giveBack();
    deps.active.done(run);
    deps.metrics.running.set(deps.active.size);
  }
}

/** Before any lease: see `places.ts`. A run that is cancelled has nothing to wait for. */
async function placeFor(deps: Executor, run: ActiveRun, work: RunWork): Promise<() => void> {
  try {
    return await deps.programs.places.take(work.adapter.kind, run.waiting);
  } catch (error) {
    if (run.stoppedBy === 'cancelled') return () => undefined;
    throw error;
  }
}

type Acquired = NonNullable<Awaited<ReturnType<Executor['leases']['acquire']>>>;

async function withLease(
  deps: Executor,
  run: ActiveRun,
  work: (lease: Acquired) => Promise<void>,
): Promise<void> {
  const askedAt = deps.clock.now();
  const lease = await deps.leases.acquire(run.work.runId);
  if (lease === undefined) return; // somebody works on it
  run.lease = lease;
  run.oursUntil = askedAt + surelyOursMs(deps.leases);
  let lost = false;
  try {
    await work(lease);
  } catch (error) {
    lost = error instanceof RunLost;
    if (lost) noteLoss(deps, run, error as RunLost);
    throw error;
  } finally {
    run.lease = undefined;
    // Given up in the middle, it is for whoever takes over; else nobody has to wait for it.
    const leave = lost ? deps.leases.expire(lease) : deps.leases.release(lease);
    await leave.catch((error: unknown) => {
      deps.logger.warn({ err: error, runId: lease.runId }, 'a lease is left to run out');
    });
  }
}

function noteLoss(
  { metrics, logger }: Executor,
  { work, stoppedBy }: ActiveRun,
  error: RunLost,
): void {
  logger.warn({ runId: work.runId }, error.message);
  if (stoppedBy === 'lost') metrics.leaseLosses.inc();
}

function noteQueueTime(
  { metrics, clock }: Executor,
  { data, attributes }: Incoming<RunWork>,
): void {
  if (attributes.time === undefined) return;
  const seconds = (Date.parse(clock.time()) - Date.parse(attributes.time)) / 1000;
  metrics.queueSeconds.observe({ adapter: data.adapter.kind }, Math.max(0, seconds));
}
