/**
 * One long run: a stack of its own, work that does not stop, a nemesis; then peace, the last final
 * state, and the check. Owns the order, and what is kept of a run that was not green.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DirectiveSummary } from '@writ/contracts';
import { eventually, seededRandom } from '@writ/testing';
import { accepted, check } from './check';
import { Client } from './client';
import { dumpLog } from './dump-log';
import type { FaultName } from './faults';
import { Harness } from './harness';
import { Nemesis } from './nemesis';
import { programsLeft, stackLeft } from './processes-left';
import { type Verdict, verdictOf } from './verdict';
import { readWitness, witnessFile } from './witness';
import { makeDirective } from './workload';

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly faults: readonly FaultName[];
  readonly tell: (text: string) => void;
}

export interface ChaosResult extends Verdict {
  readonly seed: number;
  readonly broken: readonly string[];
  readonly faults: Readonly<Record<string, number>>;
  readonly directives: { accepted: number; completed: number; failed: number };
  readonly executions: number;
  readonly seconds: number;
  /** Where everything lies, of a run that was not green. */
  readonly kept?: string;
}

const BETWEEN_DIRECTIVES_MS = 1_200;
const MOST_OPEN = 16;
/** One directive in so many has a step that may run only once. */
const ONCE_IN = 15;
/** One in so many has a step that still works when its lease is over and another executor begins it. */
const LONG_IN = 3;
const FINAL_LIMIT_MS = 180_000;

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, tell } = options;
  const since = Date.now();
  tell(`seed ${seed}: starting a stack`);
  const harness = await Harness.start({ seed, tell });
  tell(`its folder is ${harness.folder}`);
  const run = new Run(harness, options);
  const leave = () => void harness.stop().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, leave);
  const broken: string[] = [];
  try {
    broken.push(...(await run.toItsEnd()));
  } catch (error) {
    broken.push(`the run did not come to its end: ${(error as Error).message}`);
  }
  await dumpLog(harness.postgres.url, join(harness.folder, 'log.jsonl')).catch((error: Error) =>
    broken.push(`the log cannot be read: ${error.message}`),
  );
  await harness.stop();
  broken.push(...stackLeft(harness.home), ...programsLeft(run.accepted));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, leave);
  const { directives, faults, executions } = run;
  const verdict = verdictOf({ broken, faults, ...directives });
  const seconds = Math.round((Date.now() - since) / 1000);
  const result = { ...verdict, seed, broken, faults, directives, executions, seconds };
  if (verdict.verdict === 'green') {
    await harness.remove();
    return result;
  }
  const kept = { ...result, kept: harness.folder };
  const asked = { minutes: options.minutes, faults: options.faults };
  writeFileSync(
    join(harness.folder, 'run.json'),
    `${JSON.stringify({ ...kept, asked }, null, 2)}\n`,
  );
  return kept;
}

class Run {
  directives = { accepted: 0, completed: 0, failed: 0 };
  executions = 0;
  private readonly client: Client;
  private readonly nemesis: Nemesis;

  constructor(
    private readonly harness: Harness,
    private readonly options: ChaosOptions,
  ) {
    this.client = new Client(harness.gatewayUrl, join(harness.folder, 'history.jsonl'));
    this.nemesis = new Nemesis({
      seed: options.seed,
      planned: options.faults,
      journal: join(harness.folder, 'faults.jsonl'),
    });
  }

  get faults(): Record<string, number> {
    return Object.fromEntries(this.nemesis.happened);
  }

  get accepted(): Set<string> {
    return accepted(this.client.history);
  }

  /** What is broken. */
  async toItsEnd(): Promise<string[]> {
    const { harness, client, options } = this;
    const untilMs = Date.now() + options.minutes * 60_000;
    const work = this.work(untilMs);
    await this.nemesis.haunt(harness, untilMs).finally(() => harness.heal());
    options.tell('peace; waiting for the last final state');
    await harness.allReady();
    await work;
    const unfinished = await this.untilAllEnded();
    const executions = readWitness(join(harness.workFolder, witnessFile));
    this.executions = executions.length;
    const { gatewayUrl } = harness;
    const { history } = client;
    const databaseUrl = harness.postgres.url;
    options.tell('checking');
    return [...unfinished, ...(await check({ databaseUrl, gatewayUrl, history, executions }))];
  }

  /** Submits until then; whoever waits for an answer has until some time after that. */
  private async work(untilMs: number): Promise<void> {
    const random = seededRandom(this.options.seed + 1);
    const { workFolder, leaseMs } = this.harness;
    const longTenths = leaseMs / 100 + 80;
    const open = new Set<Promise<unknown>>();
    for (let number = 1; Date.now() < untilMs; number += 1) {
      const once = number % ONCE_IN === 0;
      const long = number % LONG_IN === 0 ? { longTenths } : {};
      const directive = makeDirective(random, { number, workFolder, once, ...long });
      // What becomes of each is in the history, and the check reads that.
      const submitted = this.client.submit(directive).catch(() => undefined);
      open.add(submitted);
      void submitted.then(() => open.delete(submitted));
      await delay(BETWEEN_DIRECTIVES_MS);
      if (open.size >= MOST_OPEN) await Promise.race(open);
    }
    await Promise.all(open);
  }

  private async untilAllEnded(): Promise<string[]> {
    const ids = this.accepted;
    let own: DirectiveSummary[] = [];
    const isFinal = ({ status }: DirectiveSummary) => /^(completed|failed|stopped)$/.test(status);
    const all = async () => {
      own = (await this.client.list()).filter(({ id }) => ids.has(id));
      return own.length === ids.size && own.every(isFinal);
    };
    const what = 'every directive to have its final state';
    await eventually(all, { what, timeoutMs: FINAL_LIMIT_MS, every: 500 }).catch(() => undefined);
    this.directives = {
      accepted: ids.size,
      completed: own.filter(({ status }) => status === 'completed').length,
      failed: own.filter(({ status }) => status === 'failed').length,
    };
    const open = own.filter((it) => !isFinal(it)).map(({ id, status }) => `${id} stays ${status}`);
    return own.length === ids.size ? open : [...open, `${ids.size - own.length} are not listed`];
  }
}
