/**
 * The rows one after the other on one stack; then everything has to have ended, and to hold. Owns what
 * counts: a row whose point was not met says nothing, and then the whole says nothing.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@writ/testing';
import { check } from '../check';
import { accepted } from '../check-history';
import { Client } from '../client';
import { dumpLog } from '../dump-log';
import { Episodes } from '../episodes';
import { Harness } from '../harness';
import { programsLeft, stackLeft } from '../processes-left';
import { readWitness } from '../witness';
import type { Row } from './rows';
import { RowRunner, type Planned, type RowResult, type Stage } from './run-row';

export interface KillPointsOptions {
  readonly rows: readonly Row[];
  /** Each row is tried at its first time, its second, ..., up to so many. */
  readonly hits: number;
  readonly seed: number;
  /** After each row, so that it is known which one broke it; else once, at the end. */
  readonly checkEach?: boolean;
  readonly tell: (text: string) => void;
}

export interface TriedRow {
  readonly point: string;
  readonly at: string;
  readonly work: string;
  readonly directives: number;
  readonly broken: readonly string[];
  /** Why it says nothing. */
  readonly invalid: readonly string[];
  readonly seconds: number;
}

export interface KillPointsResult {
  readonly seed: number;
  readonly verdict: 'green' | 'violated' | 'invalid';
  readonly rows: readonly TriedRow[];
  /** For which no row is to blame. */
  readonly broken: readonly string[];
  /** Every point that a victim came by. */
  readonly points: readonly string[];
  readonly directives: number;
  readonly executions: number;
  readonly seconds: number;
  /** Where everything lies, of a run that was not green. */
  readonly kept?: string;
}

const LEASE_MS = 2_000;
const FINAL_LIMIT_MS = 90_000;
/** Many times what the executors let pass between two looks at what is left. */
const SWEPT_LIMIT_MS = 60_000;
/** As often as recovery bears, so that no row waits long for it. */
const settings = { planner: { WRIT_RECONCILE_MS: '500', WRIT_UNATTENDED_MS: '1500' } };

export async function runKillPoints(options: KillPointsOptions): Promise<KillPointsResult> {
  const { seed } = options;
  const began = performance.now();
  const falls: string[] = [];
  const noteFall = (fall: string) => void falls.push(fall);
  const harness = await Harness.start({ seed, leaseMs: LEASE_MS, settings, tell: noteFall });
  const leave = () => void harness.stop().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, leave);
  const run = new Run(harness, falls, options);
  try {
    await run.toItsEnd();
    await dumpLog(harness.postgres.url, join(harness.folder, 'log.jsonl'));
  } catch (error) {
    run.broken.push(`the run did not come to its end: ${(error as Error).message}`);
  }
  await harness.stop();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, leave);
  run.broken.push(...stackLeft(harness.home), ...programsLeft(accepted(run.client.history)));
  const result = run.result(Math.round(performance.now() - began) / 1000);
  if (result.verdict === 'green') {
    await harness.remove();
    return result;
  }
  const kept = { ...result, kept: harness.folder };
  writeFileSync(join(harness.folder, 'run.json'), `${JSON.stringify(kept, null, 2)}\n`);
  return kept;
}

class Run {
  readonly client: Client;
  readonly broken: string[] = [];
  private readonly tried: (RowResult & { readonly broken: string[] })[] = [];
  private executions = 0;
  /** So many rows have come to their ends. */
  private settled = 0;
  private readonly stage: Stage;

  constructor(
    private readonly harness: Harness,
    private readonly falls: readonly string[],
    private readonly options: KillPointsOptions,
  ) {
    const { workFolder, repository, witnessPipe, canaries, leaseMs } = harness;
    const scene = { workFolder, repository, witnessPipe, canaries, leaseMs };
    this.client = new Client(harness.doorUrl, join(harness.folder, 'history.jsonl'));
    const episodes = new Episodes(options.seed, scene, 'kill points');
    this.stage = { harness, falls, client: this.client, episodes };
  }

  async toItsEnd(): Promise<void> {
    const { rows, hits, checkEach = false } = this.options;
    const planned = rows.flatMap((row) => {
      const times = row.after === undefined ? hits : 1; // the one before it dies once
      return Array.from({ length: times }, (_, at): Planned => ({ row, hit: at + 1 }));
    });
    const runner = new RowRunner(this.stage);
    for (const [at, it] of planned.entries()) {
      const next = planned[at + 1];
      const isChecked = checkEach || next === undefined;
      const result = await runner.run(it, isChecked ? undefined : next);
      this.tried.push({ ...result, broken: [] });
      this.tell(result);
      if (isChecked) await this.settleAndCheck();
    }
    const strange = this.falls.filter((fall) => !fall.endsWith('fell: SIGKILL'));
    this.broken.push(...strange);
  }

  result(seconds: number): KillPointsResult {
    const rows = this.tried.map((it): TriedRow => {
      const { row, hit, work, broken, invalid } = it;
      const at = `${row.at}#${hit}`;
      const told = { point: row.point, at, work: row.work, directives: work.begun.size };
      return { ...told, broken, invalid, seconds: it.seconds };
    });
    const { broken, executions } = this;
    const isViolated = broken.length > 0 || rows.some((row) => row.broken.length > 0);
    const isInvalid = rows.some(({ invalid }) => invalid.length > 0);
    return {
      seed: this.options.seed,
      verdict: isViolated ? 'violated' : isInvalid ? 'invalid' : 'green',
      ...{ rows, broken, executions, seconds },
      points: [...new Set(this.tried.flatMap(({ passed }) => passed))].sort(),
      directives: accepted(this.client.history).size,
    };
  }

  /** What is broken goes to the row whose directive it names. */
  private async settleAndCheck(): Promise<void> {
    const { harness, client, tried } = this;
    await harness.allReady();
    for (const { played, playedCount, work, broken } of tried.slice(this.settled)) {
      await played;
      const lost = playedCount - work.begun.size;
      if (lost > 0) broken.push(`${lost} of its directives were never accepted`);
      broken.push(...(await work.allEnded(FINAL_LIMIT_MS)).broken);
    }
    this.settled = tried.length;
    const executions = readWitness(harness.witnessFile);
    this.executions = executions.length;
    const { gatewayUrl, repository } = harness;
    const databaseUrl = harness.postgres.url;
    const { history } = client;
    let found = ['nobody can say: the check did not come to its end'];
    const asked = { databaseUrl, gatewayUrl, repository, history, executions };
    const isWell = async () => (found = await check(asked)).length === 0;
    // What dead executors left is swept when its lease has run out; what is broken in the log stays so.
    const patience = { what: 'all to hold', timeoutMs: SWEPT_LIMIT_MS, every: 2_000 };
    await eventually(isWell, patience).catch(() => undefined);
    for (const line of found) {
      const isNamed = ({ work }: RowResult) =>
        [...work.begun.keys()].some((id) => line.includes(id));
      const broken = tried.find(isNamed)?.broken ?? this.broken;
      if (!broken.includes(line)) broken.push(line); // what is broken stays so
    }
  }

  private tell({ row, hit, invalid, seconds }: RowResult): void {
    const how = invalid.length > 0 ? `says nothing: ${invalid.join('; ')}` : 'met';
    this.options.tell(`${row.point} ${row.at}#${hit} with ${row.work}: ${how} (${seconds} s)`);
  }
}
