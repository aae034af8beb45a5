/**
 * One long run: a stack of its own, work that does not stop, a nemesis; then peace, the last final
 * state, and the check. Owns the order, and what is kept of a run that was not green.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client as Database } from 'pg';
import { brokenAftermath, unrest } from './aftermath';
import { check } from './check';
import { accepted } from './check-history';
import { keptSecrets } from './check-secrets';
import { Client } from './client';
import { dumpLog } from './dump-log';
import { episodeKinds, Episodes } from './episodes';
import type { FaultName } from './faults';
import { Harness } from './harness';
import { type Holdings, holdingsOf, leakedSince, zombies } from './holdings';
import { Nemesis } from './nemesis';
import { programsLeft, stackLeft } from './processes-left';
import { type Verdict, verdictOf } from './verdict';
import { type Ended, Work } from './work';
import { readWitness } from './witness';

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
  /** How often each kind of work was done. */
  readonly work: Readonly<Record<string, number>>;
  readonly directives: Omit<Ended, 'broken'> & { readonly accepted: number };
  readonly executions: number;
  readonly seconds: number;
  /** Where everything lies, of a run that was not green. */
  readonly kept?: string;
}

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
  const { faults, work, directives, executions } = run;
  const { well: completed } = directives;
  const verdict = verdictOf({ broken, faults, work, completed, accepted: directives.accepted });
  const seconds = Math.round((Date.now() - since) / 1000);
  const result = { ...verdict, seed, broken, faults, work, directives, executions, seconds };
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
  executions = 0;
  private readonly client: Client;
  private readonly nemesis: Nemesis;
  private readonly playing: Work;
  private ended: Omit<Ended, 'broken'> = { completed: 0, failed: 0, stopped: 0, well: 0 };
  private cacheHits = 0;

  constructor(
    private readonly harness: Harness,
    private readonly options: ChaosOptions,
  ) {
    const { seed } = options;
    this.client = new Client(harness.doorUrl, join(harness.folder, 'history.jsonl'));
    this.playing = new Work(this.client, new Episodes(seed + 1, harness));
    this.nemesis = new Nemesis({
      seed,
      planned: options.faults,
      journal: join(harness.folder, 'faults.jsonl'),
    });
  }

  get faults(): Record<string, number> {
    return Object.fromEntries(this.nemesis.happened);
  }

  get work(): Record<string, number> {
    return { ...this.playing.kinds, 'taken from the cache': this.cacheHits };
  }

  get accepted(): Set<string> {
    return accepted(this.client.history);
  }

  get directives(): ChaosResult['directives'] {
    return { accepted: this.playing.begun.size, ...this.ended };
  }

  /** What is broken. */
  async toItsEnd(): Promise<string[]> {
    const { harness, options } = this;
    const before = await this.calm();
    const untilMs = Date.now() + options.minutes * 60_000;
    const work = this.playing.until(untilMs);
    await this.nemesis.haunt(harness, untilMs).finally(() => harness.heal());
    options.tell('peace; waiting for the last final state');
    await harness.allReady();
    const aftermath = await brokenAftermath(harness, this.client);
    await work;
    const { broken, ...ended } = await this.playing.allEnded(FINAL_LIMIT_MS);
    this.ended = ended;
    options.tell('checking');
    return [...broken, ...aftermath, ...(await this.found(before))];
  }

  /** One episode of each kind in peace: what the stack holds on to from then on is its own. */
  private async calm(): Promise<Holdings> {
    const { harness, client, options } = this;
    const episodes = new Episodes(options.seed + 2, harness, 'before the storm');
    const first = new Work(client, episodes);
    await Promise.all(episodeKinds.map((kind) => first.play(episodes.next(kind))));
    const { broken } = await first.allEnded(FINAL_LIMIT_MS);
    const still = await unrest(harness);
    if (broken.length + still.length > 0) {
      throw new Error(`not even in peace: ${[...broken, ...still].join('; ')}`);
    }
    return holdingsOf(harness);
  }

  private async found(before: Holdings): Promise<string[]> {
    const { harness, client } = this;
    const { gatewayUrl, repository } = harness;
    const database = new Database({ connectionString: harness.postgres.url });
    await database.connect();
    try {
      const still = await unrest(harness);
      const { rows } = await database.query<{ hits: string }>(
        `select count(*) as hits from log.event
         where type = 'RunEnded' and data like '%"result":"skipped"%'`,
      );
      this.cacheHits = Number(rows[0]?.hits);
      const executions = readWitness(harness.witnessFile);
      this.executions = executions.length;
      const { history } = client;
      const databaseUrl = harness.postgres.url;
      return [
        ...still,
        ...(await check({ databaseUrl, gatewayUrl, history, executions, repository })),
        ...(await leakedSince(before, harness)),
        ...zombies(harness),
        ...(await keptSecrets(harness, database)),
      ];
    } finally {
      await database.end();
    }
  }
}
