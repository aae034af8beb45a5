/**
 * How a process ends. Correctness never rests on it (a process may be killed at any line); it only
 * makes the ordinary end quick and tidy.
 *
 * S1 The first SIGTERM or SIGINT runs the steps in their order, each at most its limit; a step that
 *    fails or takes too long is logged and the next one runs.
 * S2 After the deadline the process ends with 1, whatever is still running.
 * S3 A second signal ends it at once, with 1.
 * S4 What nobody caught is logged and ends the process with 1: its state is not known any more.
 */
import type { Logger } from 'pino';

export interface StopStep {
  /** What it does, for the log: "stop taking messages". */
  name: string;
  limitMs: number;
  run: () => unknown;
}

export interface ShutdownOptions {
  logger: Logger;
  steps: readonly StopStep[];
  /** Default 30,000. */
  deadlineMs?: number;
  /** Stands for the process in tests. */
  target?: Pick<NodeJS.EventEmitter, 'on'> & { exit(code: number): unknown };
}

export interface Shutdown {
  /** True from the first signal on: the process is not ready any more. */
  readonly stopping: boolean;
  /** Stops as SIGTERM does; ends with 0, or 1 when a step failed. */
  stop(reason: string): Promise<void>;
  /** Ends with 1 at once: something is gone without which the process is of no use. */
  fail(reason: string, error?: unknown): void;
}

/** Rejects after `limitMs`; what runs on is left alone, the process ends soon. */
async function withLimit(step: StopStep): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`"${step.name}" took more than ${step.limitMs} ms`)),
      step.limitMs,
    );
  });
  try {
    await Promise.race([Promise.resolve().then(step.run), limit]);
  } finally {
    clearTimeout(timer);
  }
}

export function installShutdown(options: ShutdownOptions): Shutdown {
  const { logger, steps, deadlineMs = 30_000, target = process } = options;
  let stopping = false;

  const fail = (reason: string, error?: unknown) => {
    logger.fatal({ err: error }, reason);
    target.exit(1);
  };

  const stop = async (reason: string) => {
    if (stopping) return;
    stopping = true;
    logger.info(`stopping: ${reason}`);
    const watchdog = setTimeout(() => fail(`not stopped within ${deadlineMs} ms`), deadlineMs); // S2
    watchdog.unref();
    let code = 0;
    for (const step of steps) {
      try {
        await withLimit(step);
      } catch (error) {
        logger.error({ err: error }, `stopping went wrong at "${step.name}"`); // S1
        code = 1;
      }
    }
    clearTimeout(watchdog);
    logger.info('stopped');
    target.exit(code);
  };

  for (const signal of ['SIGTERM', 'SIGINT']) {
    target.on(signal, () => {
      if (!stopping) void stop(signal);
      else fail(`${signal} again while stopping`); // S3
    });
  }
  target.on('uncaughtException', (error) => fail('an error that nobody caught', error)); // S4
  target.on('unhandledRejection', (error) => fail('a rejection that nobody caught', error));

  return {
    get stopping() {
      return stopping;
    },
    stop,
    fail,
  };
}
