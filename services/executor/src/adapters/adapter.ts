/**
 * What an adapter is: it answers at once in this process, is a program to run, or work of somebody
 * else. The result has one shape for all.
 */
import type { Adapter, AdapterKind, ArtifactRef, RunResult, Usage } from '@writ/contracts';

/** A program as the step asks for it; `${inputs}` is not replaced yet. */
export interface ProgramCommand {
  readonly argv: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly stdoutTo?: string;
}

export interface AdapterResult {
  readonly outcome: RunResult;
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly artifacts: readonly ArtifactRef[];
  readonly usage?: Usage;
  readonly durationMs: number;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export type AdapterOf<K extends AdapterKind> = Extract<Adapter, { kind: K }>;

interface Described {
  /** Part of the input bundle: another version may make another result. */
  readonly version: string;
}

/** Has no effect but its result, so it may run any number of times and needs no claim. */
export interface InProcessAdapter<K extends AdapterKind> extends Described {
  readonly inProcess: true;
  answer(adapter: AdapterOf<K>): AdapterResult;
}

export interface ProgramAdapter<K extends AdapterKind> extends Described {
  readonly inProcess: false;
  command(adapter: AdapterOf<K>): ProgramCommand;
}

/** Somebody else does it: how that is tried is in `stages/try-worker.ts` and `try-http.ts`. */
export interface OutsideAdapter extends Described {
  readonly inProcess: false;
  readonly command?: undefined;
}
