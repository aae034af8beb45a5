/**
 * The stages of a run: analysis, compilation, processing. Owns their records: a stage that fails
 * leaves the earlier ones as they were.
 */
import type { RunError, StageRecord } from '@writ/contracts';

/** A stage cannot go on; the run fails in it. */
export class StageFailed extends Error {
  constructor(readonly error: RunError) {
    super(error.message);
    this.name = 'StageFailed';
  }
}

export const failStage = (kind: RunError['kind'], code: string, message: string): StageFailed =>
  new StageFailed({ kind, code, message });

export class StageLog {
  readonly records: StageRecord[] = [];

  constructor(private readonly time: () => string) {}

  async run<T>(name: StageRecord['name'], work: () => Promise<T>): Promise<T> {
    const startedAt = this.time();
    try {
      const result = await work();
      this.records.push({ name, status: 'success', startedAt, endedAt: this.time() });
      return result;
    } catch (error) {
      this.fail(name, startedAt, error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  /** The stage has ended without success, which is no error of the executor. */
  fail(name: StageRecord['name'], startedAt: string, error: string): void {
    this.records.push({ name, status: 'failed', startedAt, endedAt: this.time(), error });
  }

  succeed(name: StageRecord['name'], startedAt: string): void {
    this.records.push({ name, status: 'success', startedAt, endedAt: this.time() });
  }

  skip(...names: StageRecord['name'][]): void {
    const at = this.time();
    for (const name of names) {
      this.records.push({ name, status: 'skipped', startedAt: at, endedAt: at });
    }
  }
}
