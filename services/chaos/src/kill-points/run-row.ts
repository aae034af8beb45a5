/**
 * One row on a stack that runs: its victim has the plan, work comes until the plan is carried out, and
 * the victim is there again. What came of the work is asked later.
 *
 * W1 A row counts when the log of its victim says that the plan was carried out, and a crash was seen
 *    from outside as the death that it is.
 * W2 Of two rows in a row with one victim the second is armed by the death of the first: what has to
 *    be made good after the one meets the other.
 */
import { eventually } from '@writ/testing';
import type { Client } from '../client';
import type { Episodes } from '../episodes';
import type { Harness } from '../harness';
import { Work } from '../work';
import type { FailpointLog } from './failpoint-log';
import type { Row } from './rows';
import { Victims } from './victims';

/** A row and how often its point is passed before it counts, that time included. */
export interface Planned {
  readonly row: Row;
  readonly hit: number;
}

export interface RowResult extends Planned {
  /** Why it says nothing; empty when it does. */
  readonly invalid: readonly string[];
  readonly work: Work;
  /** Resolves when clients have their answers. */
  readonly played: Promise<unknown>;
  readonly playedCount: number;
  /** Points that the victim came by. */
  readonly passed: readonly string[];
  readonly seconds: number;
}

export interface Stage {
  readonly harness: Harness;
  readonly client: Client;
  readonly episodes: Episodes;
  /** Which processes fell, and how, in order. */
  readonly falls: readonly string[];
}

/** So long one piece of work may take to the point before there is another one. */
const MORE_WORK_MS = 2_500;
/** For each time that the point is to be passed: another process takes its share of the work. */
const MOST_WORK = 8;
/** For a process that is held while another one is killed. */
const HELD_MS = 1_500;
const BACK_LIMIT_MS = 30_000;

const actionOf = ({ killed }: Row) => (killed === undefined ? 'crash' : `delay:${HELD_MS}`);
const planOf = ({ row, hit }: Planned) => `${row.at}#${hit}=${actionOf(row)}`;

export class RowRunner {
  private readonly victims = new Victims();

  constructor(private readonly stage: Stage) {}

  async run(planned: Planned, next: Planned | undefined): Promise<RowResult> {
    const { harness, client, episodes, falls } = this.stage;
    const { row } = planned;
    const began = performance.now();
    const victim = harness.service(row.victim);
    const fallen = falls.length;
    const { log, start } = await this.victims.arm(victim, planOf(planned));
    if (row.after !== undefined) {
      await this.victims.arm(harness.service(row.after.victim), `${row.after.at}=crash`);
    }
    // Whoever shares its work with another process must be there before the work is.
    if (row.victim === 'executor') await victim.ready(BACK_LIMIT_MS);
    const work = new Work(client, episodes);
    const done = () => isDone(log, planned);
    const playing = await this.workUntil(done, work, planned);
    const invalid = done()
      ? await this.makeGood(planned, next, start, fallen)
      : [`${playing.length} directives did not bring it to ${row.at}#${planned.hit}`];
    const seconds = Math.round(performance.now() - began) / 1000;
    const played = { played: Promise.all(playing), playedCount: playing.length };
    return { ...planned, ...played, invalid, work, passed: log.passed(), seconds };
  }

  private async workUntil(
    isDone: () => boolean,
    work: Work,
    { row, hit }: Planned,
  ): Promise<Promise<void>[]> {
    const playing: Promise<void>[] = [];
    const play = () => void playing.push(work.play(this.stage.episodes.next(row.work)));
    for (let time = 1; time < hit; time += 1) play();
    do {
      play();
      const options = { what: row.at, timeoutMs: MORE_WORK_MS, every: 25 };
      await eventually(isDone, options).catch(() => undefined);
    } while (!isDone() && playing.length < MOST_WORK * hit);
    return playing;
  }

  /** Everybody is there again. What is strange about how they went. */
  private async makeGood(
    { row }: Planned,
    next: Planned | undefined,
    start: number,
    fallen: number,
  ): Promise<string[]> {
    const { harness, falls } = this.stage;
    const victim = harness.service(row.victim);
    const dies = harness.service(row.killed ?? row.victim);
    // W2, unless it is back already.
    const isNext = row.killed === undefined && next?.row.victim === row.victim;
    if (isNext && victim.starts === start) this.victims.armReturn(victim, planOf(next));
    if (row.killed !== undefined) dies.signal('SIGKILL');
    const isBack = () => (row.killed === undefined ? victim.starts > start : true);
    const hasFallen = () => falls.slice(fallen).includes(`${dies.name} fell: SIGKILL`);
    const what = `${dies.name} to die and to come back`;
    try {
      await eventually(() => isBack() && hasFallen(), { what, timeoutMs: BACK_LIMIT_MS });
      return []; // W1
    } catch (error) {
      return [(error as Error).message];
    }
  }
}

const isDone = (log: FailpointLog, { row, hit }: Planned): boolean =>
  log.carriedOut().includes(`${row.at}#${hit}`);
