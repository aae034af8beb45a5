/**
 * Removes the folders of runs that nobody works on, now and then: a process that died and came back at
 * once finds its own leases still running, and what they are of is nobody's only when they have run out.
 */
import type { Executor } from './executor';
import { sweepWorkFolders } from './work-folders';

type Parts = Pick<Executor, 'programs' | 'leases' | 'active' | 'logger'>;

export class FolderSweeper {
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly parts: Parts,
    private readonly everyMs: number,
  ) {}

  /** Resolves when it was done for the first time; throws when it could not be. */
  async start(): Promise<void> {
    await this.sweep();
    this.later();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.sweeping;
  }

  private later(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.sweeping = this.sweep()
        .catch((err: unknown) => {
          this.parts.logger.warn({ err }, 'folders of dead processes could not be removed');
        })
        .finally(() => this.later());
    }, this.everyMs);
  }

  private async sweep(): Promise<void> {
    const { programs, leases, active, logger } = this.parts;
    const swept = await sweepWorkFolders(programs.dataDir, leases, (runId) => active.has(runId));
    if (swept > 0) logger.info(`removed ${swept} folders that earlier processes left`);
  }
}
