/**
 * One seed from beginning to end: a world, a workload, a storm; then calm, in which everything has to
 * come to an end; then the question whether all that has to hold does.
 */
import { finalStatuses, STEP_LIMIT, type RunClaimed, type RunEnded } from '@writ/contracts';
import { ACCOUNT_STREAMS, directiveDecider } from '@writ/domain';
import type { Directive, DirectiveState } from '@writ/domain';
import type { StoredEvent } from '@writ/event-log';
import { Client } from './client';
import { brokenInTheLog } from './invariants/in-the-log';
import { brokenOutside, projections, wanted } from './invariants/outside-the-log';
import type { PlannedCommand } from './workload';
import { People } from './people';
import { workload } from './workload';
import { World, type WorldOptions } from './world';

export interface Verdict {
  readonly seed: number;
  /** What does not hold; empty when all does. */
  readonly broken: readonly string[];
  /** Numbered, in order of time. */
  readonly journey: readonly string[];
  /** Of the journey and of the log: two runs of a seed have the same. */
  readonly digest: string;
  readonly figures: Figures;
}

export interface Figures {
  readonly directives: number;
  readonly events: number;
  readonly programs: number;
  /** Calls that were made in the course of virtual time. */
  readonly steps: number;
  /** What went wrong, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  /** What came of it: how directives and runs ended. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** How many events there are of each type. */
  readonly types: Readonly<Record<string, number>>;
  /** The points between two calls that processes came by, and those at which one died. */
  readonly points: readonly string[];
  readonly crashes: readonly string[];
  /** Of virtual time: the storm, and from its end to the end of everything. */
  readonly stormMs: number;
  readonly calmMs: number;
}

/** After the storm everything has to be over within so long. */
const CALM_MS = 15 * 60_000;
const LOOK_EVERY_MS = 500;
/** So often people look at what waits for them. */
const PEOPLE_EVERY_MS = 2_000;
/** A paused directive is resumed, and so on, once in so long. */
const ORDER_EVERY_MS = 5_000;
/** At rest nothing may happen for so long: whoever looks again now and then has done so. */
const REST_MS = 8_000;
/** Follows the log like a read model. */
const sealing = { schema: 'manifest', name: 'sealing', streamPrefixes: ACCOUNT_STREAMS };

export async function simulate(options: WorldOptions): Promise<Verdict> {
  const world = new World(options);
  const { time, journey, plan, nemesis, random } = world;
  const client = new Client(world.server, time, random.fork(), journey);
  client.plan(workload(random.fork(), plan.untilMs));
  world.begin();
  const ending = new Ending(world, client, new People(random.fork()));
  while (time.nowMs < plan.untilMs) {
    await time.runUntil(Math.min(plan.untilMs, time.nowMs + PEOPLE_EVERY_MS));
    await ending.askPeople();
  }
  nemesis.end();
  journey.note('the storm is over');
  const unfinished = await ending.wait();
  const calmMs = ending.overAtMs - plan.untilMs;
  const events = await ending.events();
  const broken = [
    ...unfinished,
    ...(plan.calm ? complaints(journey.lines) : []),
    ...brokenInTheLog(events),
    ...(await brokenOutside(world, client, events)),
  ];
  return {
    ...{ seed: options.seed, broken, journey: journey.numbered() },
    digest: `${journey.digest()}-${events.at(-1)?.hash ?? ''}`,
    figures: {
      directives: events.filter(({ type }) => type === 'DirectiveCreated').length,
      events: events.length,
      programs: world.machine.witness.length,
      steps: time.steps,
      faults: Object.fromEntries(nemesis.counts),
      outcomes: outcomesOf(events),
      types: countsOf(events.map(({ type }) => type)),
      points: [...nemesis.points.met],
      crashes: [...nemesis.points.deaths],
      stormMs: plan.untilMs,
      calmMs,
    },
  };
}

function outcomesOf(events: readonly StoredEvent[]): Record<string, number> {
  const outcomes = events.flatMap(({ type, data }) => {
    if (/^Directive(Completed|Failed|Stopped)$/.test(type)) return [type];
    if (type === 'RunClaimed') return (data as RunClaimed).claim > 1 ? ['takeover'] : [];
    if (type !== 'RunEnded') return [];
    const { result, error, commit, next = [] } = data as RunEnded;
    const followed = next.map(() => 'run followed at once');
    return [`run ${error?.kind ?? result}${commit === undefined ? '' : ' in git'}`, ...followed];
  });
  return countsOf(outcomes);
}

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Where nothing goes wrong nobody has anything to say, except of what makes no sense. */
const complaints = (lines: readonly string[]): string[] =>
  lines
    .filter((line) => / says \((warn|error)\): (?!a message could not be handled)/.test(line))
    .map((line) => `in calm:${line}`);

/** Sees from outside how far everything is, and gives the orders without which it would not end. */
class Ending {
  /** Nothing was left at this time. */
  overAtMs = 0;
  private readonly directives = new Map<string, DirectiveState>();
  private readonly all: StoredEvent[] = [];
  private readonly orderedAt = new Map<string, number>();
  private orders = 0;

  constructor(
    private readonly world: World,
    private readonly client: Client,
    private readonly people: People,
  ) {}

  async askPeople(): Promise<void> {
    await this.events();
    for (const state of this.directives.values()) {
      if (state.status === 'absent' || finalStatuses.includes(state.status)) continue;
      this.client.plan(this.people.decide(state, this.world.time.nowMs));
    }
  }

  /** Returns what is not over when the time is. */
  async wait(): Promise<string[]> {
    const { time } = this.world;
    const deadline = time.nowMs + CALM_MS;
    for (;;) {
      await time.runUntil(time.nowMs + LOOK_EVERY_MS);
      const left = await this.left();
      if (left.length === 0 && (await this.isAtRest())) return [];
      if (time.nowMs >= deadline) return left.map((it) => `it does not end: ${it}`);
    }
  }

  /** Nothing is left, and nothing came of what may still have been on its way. */
  private async isAtRest(): Promise<boolean> {
    const { time, nemesis } = this.world;
    const before = this.all.length;
    this.overAtMs = time.nowMs;
    await time.runUntil(Math.max(time.nowMs, nemesis.lastArrivalMs) + REST_MS);
    return (await this.left()).length === 0 && this.all.length === before;
  }

  async events(): Promise<readonly StoredEvent[]> {
    const { log } = this.world.database;
    for (;;) {
      const found = await log.readAll({ after: this.all.length, limit: 10_000 });
      this.all.push(...found);
      if (found.length === 0) return this.all;
      for (const event of found) this.fold(event);
    }
  }

  private async left(): Promise<string[]> {
    const events = await this.events();
    const { world, client } = this;
    const left: string[] = [];
    for (const state of this.directives.values()) {
      if (state.status === 'absent' || finalStatuses.includes(state.status)) continue;
      left.push(`directive ${state.id} is ${state.status}`);
      this.order(state);
      client.plan(this.people.decide(state, world.time.nowMs));
    }
    if (client.open > 0) left.push(`${client.open} commands without an answer`);
    if (!world.complete) left.push('processes are away');
    if (world.machine.programs > 0) left.push(`${world.machine.programs} programs run`);
    if (world.server.unsettled() > 0) left.push(`${world.server.unsettled()} messages`);
    for (const projection of [...projections, sealing]) {
      const position = world.database.seats.positionOf(projection);
      if (events.slice(position).some(wanted(projection)))
        left.push(`${projection.name} is behind`);
    }
    const now = world.time.date().getTime();
    const leases = [...world.database.leases.held.values()];
    if (leases.some(({ expiresAt }) => expiresAt >= now)) left.push('a lease lives');
    return left;
  }

  /** Nobody else would start a draft, or let go on what is paused or suspended. */
  private order(directive: Directive): void {
    const { id } = directive;
    const { verb, data } = letGoOn(directive);
    const { nowMs } = this.world.time;
    if (verb === undefined || nowMs - (this.orderedAt.get(id) ?? -Infinity) < ORDER_EVERY_MS)
      return;
    this.orderedAt.set(id, nowMs);
    this.orders += 1;
    const order: PlannedCommand = {
      ...{ atMs: nowMs, verb, commandId: `end-${this.orders}`, directiveId: id, how: 'ask' },
      data: { directiveId: id, ...data },
    };
    this.client.plan([order]);
  }

  private fold(event: StoredEvent): void {
    if (!event.stream.startsWith('directive-')) return;
    const before = this.directives.get(event.stream) ?? directiveDecider.initial;
    try {
      this.directives.set(event.stream, directiveDecider.evolve(before, event));
    } catch {
      // That it cannot be folded is told with all that is broken.
    }
  }
}

/** What somebody has to say so that a directive goes on; nothing when it does by itself. */
function letGoOn({ status, suspension, planning }: Directive): {
  readonly verb?: PlannedCommand['verb'];
  readonly data?: object;
} {
  switch (status) {
    case 'draft':
      return { verb: 'start' };
    case 'paused':
      return { verb: 'resume' };
    case 'suspended':
      // It would be tried for ever.
      if (suspension?.kind === 'provider') return { verb: 'stop' };
      if (suspension?.kind === 'budget') {
        return { verb: 'raise-limit', data: { limits: { maxTotalCostUsd: 1_000_000 } } };
      }
      if (suspension?.kind !== 'failed_steps') return { verb: 'resume' };
      return { verb: 'raise-limit', data: { limits: { maxFailedSteps: STEP_LIMIT } } };
    case 'planning': {
      if (planning === null || planning.runId !== undefined) return {};
      const step = { name: 'late', adapter: { kind: 'echo' }, verify: 'none' };
      return { verb: 'submit-plan', data: { chain: { steps: [step] } } };
    }
    default:
      return {};
  }
}
