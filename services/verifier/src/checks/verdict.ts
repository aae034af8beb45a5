/** What a check finds; how that is recorded is in `run-checks.ts`. */
import type { CheckResult } from '@writ/contracts';
import type { Outbound } from '@writ/outbound-http';
import type { WorkerDesk } from '@writ/worker-protocol';
import type { ReadRepository } from '../detection/repository-files';
import type { Snapshot } from '../snapshots/snapshot';
import type { JudgedRun } from './check-worker';
import type { RunProgram } from './run-program';

/** One request to somebody outside, as far as the operator allows it. */
export type Ask = Outbound['request'];

export interface Verdict {
  readonly outcome: CheckResult['outcome'];
  /** For people, as it completes "tests failed: ...". */
  readonly message: string;
  /** The evidence: what it looked at, or what the program said. */
  readonly log?: string;
  readonly argv?: string[];
  readonly exitCode?: number | null;
  readonly signal?: string;
  readonly sandbox?: string;
}

/** Where and with what a check works. */
export interface CheckContext {
  /** The snapshot of what the run made. */
  readonly root: string;
  /** What a program may read besides the snapshot. */
  readonly readOnlyPaths: readonly string[];
  /** What `${inputs}` stands for: the folder of the step's inputs, if it has any. */
  readonly inputs?: string;
  /** Empty at first; a program's home and temporary folder. */
  readonly scratch: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly runProgram: RunProgram;
  readonly ask: Ask;
  /** Where work is handed to workers, and what they are told of the run. */
  readonly workers?: {
    readonly desk: Pick<WorkerDesk, 'hand'>;
    readonly run: JudgedRun;
    /** What workers say is kept without secrets. */
    readonly redact: (text: string) => string;
  };
  readonly readRepository: ReadRepository;
  readonly changes?: Snapshot['changes'];
  /** Aborted when the process stops. */
  readonly signal: AbortSignal;
}

/** The check was cut off by trouble of ours, which says nothing at all: evaluate anew. */
export class CheckCutOff extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CheckCutOff';
  }
}

/** The check could not do its work: outcome `error`, which says nothing about the step. */
export class CheckTrouble extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CheckTrouble';
  }
}
