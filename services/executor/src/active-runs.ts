/** The runs that this process works on now, and the ways in which one has to stop. */
import type { RunWork } from '@writ/contracts';
import type { StopReason } from '@writ/programs';
import type { Lease } from './leases/leases';

export class ActiveRun {
  /**
   * Until when the lease is surely ours, by this process's clock, should it not be renewed: some time
   * before another one may have it.
   */
  oursUntil = 0;
  lease: Lease | undefined;
  private readonly stopping = new AbortController();
  private readonly toTell = new Set<(yes: boolean) => void>();

  constructor(
    readonly work: Pick<RunWork, 'runId' | 'directiveId'>,
    /** Aborted when the process stops. */
    readonly leaving: AbortSignal,
  ) {}

  /** Aborted with a StopReason when what runs has to end now. */
  get stop(): AbortSignal {
    return this.stopping.signal;
  }

  get stoppedBy(): StopReason | undefined {
    return this.stop.aborted ? (this.stop.reason as StopReason) : undefined;
  }

  /** For waits of what has not begun: over when it has to end, or the process stops. */
  get waiting(): AbortSignal {
    return AbortSignal.any([this.stop, this.leaving]);
  }

  /** Ends it as lost when it may be another's by now. True when it is ended, for whatever reason. */
  endUnlessOurs(now: number): boolean {
    if (this.lease !== undefined && now >= this.oursUntil) this.end('lost');
    return this.stop.aborted;
  }

  /** Tells, once, whether what has come to its end by now is on record. */
  onRecord(tell: (yes: boolean) => void): void {
    this.toTell.add(tell);
  }

  recorded(yes: boolean): void {
    for (const tell of this.toTell) tell(yes);
    this.toTell.clear();
  }

  end(reason: StopReason): void {
    if (!this.stop.aborted) this.stopping.abort(reason);
  }
}

export class ActiveRuns {
  private readonly runs = new Map<string, ActiveRun>();

  /** Undefined when this process works on the run already. */
  begin(work: Pick<RunWork, 'runId' | 'directiveId'>, leaving: AbortSignal): ActiveRun | undefined {
    if (this.runs.has(work.runId)) return undefined;
    const run = new ActiveRun(work, leaving);
    this.runs.set(work.runId, run);
    return run;
  }

  done(run: ActiveRun): void {
    this.runs.delete(run.work.runId);
  }

  has(runId: string): boolean {
    return this.runs.has(runId);
  }

  cancel(runId: string): boolean {
    const run = this.runs.get(runId);
    run?.end('cancelled');
    return run !== undefined;
  }

  get size(): number {
    return this.runs.size;
  }

  all(): ActiveRun[] {
    return [...this.runs.values()];
  }

  /** Those that hold a lease. */
  leased(): ActiveRun[] {
    return [...this.runs.values()].filter((run) => run.lease !== undefined);
  }
}
