/**
 * One process that is kept alive. Owns when it is started again: at once the first time, then with
 * growing delays, which begin anew when it has lived for a while.
 */
import type { LogFile } from './log-file';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;
const LIVED_WELL_MS = 30_000;

export interface Running {
  readonly pid: number;
  /** Resolves when it has ended, with words about how. */
  readonly ended: Promise<string>;
}

export interface SupervisedOptions<R extends Running> {
  readonly name: string;
  readonly log: LogFile;
  start(): Promise<R>;
  /** After each start, the first one too. */
  started(running: R): void;
  /** Words for whoever watches. */
  tell(text: string): void;
}

export class Supervised<R extends Running> {
  current: R | undefined;
  private stopping = false;
  private wake: () => void = () => undefined;
  private watching: Promise<void> = Promise.resolve();

  constructor(private readonly options: SupervisedOptions<R>) {}

  get name(): string {
    return this.options.name;
  }

  /** The first start; throws when it fails. */
  async start(): Promise<R> {
    const running = await this.startOnce();
    this.watching = this.watch(running);
    return running;
  }

  /** No more starts. `end` ends the one that runs. */
  async stop(end: (running: R) => Promise<void>): Promise<void> {
    this.stopping = true;
    this.wake();
    if (this.current !== undefined) await end(this.current);
    await this.watching;
    // One that was being started meanwhile is there only now.
    if (this.current !== undefined) await end(this.current);
  }

  private async startOnce(): Promise<R> {
    const running = await this.options.start();
    this.current = running;
    this.options.started(running);
    return running;
  }

  private async watch(first: R): Promise<void> {
    const { log, tell, name } = this.options;
    let running: R | undefined = first;
    let delay = FIRST_DELAY_MS;
    while (!this.stopping) {
      const since = performance.now();
      const how = running === undefined ? 'could not be started' : await running.ended;
      this.current = undefined;
      if (this.stopping) return;
      if (performance.now() - since > LIVED_WELL_MS) delay = FIRST_DELAY_MS;
      const words = `${name} ${how}; started again in ${delay} ms`;
      log.line(`[supervisor] ${words}`);
      tell(words);
      await this.sleep(delay);
      delay = Math.min(delay * 2, LONGEST_DELAY_MS);
      if (this.stopping) return;
      running = await this.startOnce().catch((error: unknown) => {
        log.line(`[supervisor] ${error instanceof Error ? error.message : String(error)}`);
        return undefined;
      });
    }
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
