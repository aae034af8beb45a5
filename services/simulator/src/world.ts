/**
 * One simulated world: database, message server, machine, and the processes of the services, which are
 * started again whenever they are gone. Owns who is there; what goes wrong is `nemesis.ts`.
 */
import { openMemoryStore } from '@writ/content-store';
import type { ContentStore, MemoryStore } from '@writ/content-store';
import { MemoryServer } from '@writ/messaging';
import { withPoints, type Failpoint } from '@writ/service-host';
import { seededRandom } from '@writ/testing';
import type { SeededRandom } from '@writ/testing';
import { Database } from './database';
import { faultPlan, type FaultPlan } from './fault-plan';
import { Journey } from './journey';
import { Machine } from './machine';
import { appendAnyway, type Mutant } from './mutants';
import { Nemesis } from './nemesis';
import { SimulatedGit } from './simulated-git';
import { SimulatedProcess, type ServiceName } from './simulated-process';
import { startProcess, type Running } from './start-process';
import type { Surroundings } from './surroundings';
import { VirtualTime } from './virtual-time';

export interface WorldOptions {
  readonly seed: number;
  readonly mutant?: Mutant;
  readonly failpoints?: readonly Failpoint[];
}

/** Trouble with the disk, at any call. */
function failingAt(content: MemoryStore, fails: () => boolean): ContentStore {
  return withPoints(
    'content',
    content,
    {
      reach: async (point) => {
        if (point.startsWith('content.before.') && fails()) throw new Error('EIO: the disk fails');
        return 'go';
      },
    },
    (method) => (method === 'close' ? undefined : method),
  );
}

const DOWN_MS = [20, 4_000] as const;

export class World {
  readonly time = new VirtualTime();
  readonly journey = new Journey(this.time);
  readonly random: SeededRandom;
  readonly plan: FaultPlan;
  readonly nemesis: Nemesis;
  readonly database: Database;
  readonly server: MemoryServer;
  readonly machine: Machine;
  readonly git: SimulatedGit;
  readonly content: MemoryStore = openMemoryStore();
  private readonly around: Surroundings;
  private readonly processes = new Map<SimulatedProcess, Running>();
  private births = 0;

  constructor(options: WorldOptions) {
    const { mutant, seed } = options;
    const { time, journey, content } = this;
    this.random = seededRandom(seed);
    const { random } = this;
    this.plan = faultPlan(random.fork());
    const { plan } = this;
    const failpoints = options.failpoints ?? [];
    this.nemesis = new Nemesis({ plan, time, journey, failpoints, random: random.fork() });
    const { nemesis } = this;
    this.database = new Database({
      ...{ time, journey, random: random.fork(), faults: plan.database },
      stormy: () => nemesis.stormy,
      count: (kind) => nemesis.count(kind),
      isOnItsWay: (ms) => nemesis.isOnItsWay(ms),
      append: mutant === 'no-expected-version' ? appendAnyway : undefined,
    });
    const serverRandom = random.fork();
    this.server = new MemoryServer({
      clock: time.clock,
      random: () => serverRandom.next(),
      faults: nemesis.messages,
    });
    this.machine = new Machine(time, random.fork(), journey);
    this.git = new SimulatedGit(time, random.fork(), journey);
    const { database, server, machine, git } = this;
    const contentFaults = random.fork();
    const disk = () => {
      const fails = nemesis.stormy && contentFaults.chance(plan.content.fail);
      if (fails) nemesis.count('disk');
      return fails;
    };
    this.around = {
      ...{ time, journey, database, server, machine, git, mutant },
      content: failingAt(content, disk),
      random: random.fork(),
      pointsOf: (process) => nemesis.points.of(process),
    };
  }

  /** Everybody is started; what goes wrong begins. */
  begin(): void {
    const { planners, executors, verifiers, keepers } = this.plan;
    const staff: readonly [ServiceName, number][] = [
      ['planner', planners],
      ['executor', executors],
      ['verifier', verifiers],
      ['manifest', keepers],
    ];
    for (const [service, count] of staff) {
      for (let number = 1; number <= count; number += 1) this.give(service, `${service}-${number}`);
    }
    const victims = {
      processes: () => [...this.processes.keys()].filter(({ still }) => !still),
      restart: (process: SimulatedProcess) => void this.restart(process),
    };
    this.nemesis.begin(victims, this.database, this.server);
  }

  /** As many as the plan says, all of them going. */
  get complete(): boolean {
    const { planners, executors, verifiers, keepers } = this.plan;
    const going = [...this.processes.keys()].filter(({ still }) => !still);
    return going.length >= planners + executors + verifiers + keepers;
  }

  /** A process of that name, whenever there is none. */
  private give(service: ServiceName, name: string): void {
    this.births += 1;
    // Where a name is given again the new one must not be taken for the old one.
    const own = this.random.chance(0.5) ? name : `${name}-${this.births}`;
    const process = new SimulatedProcess(service, own, this.time, this.random.fork());
    process.onGone(() => {
      this.processes.delete(process);
      const [least, most] = DOWN_MS;
      this.time.after(this.random.int(least, most), () => this.give(service, name));
    });
    this.journey.note(`${own} starts`);
    this.processes.set(process, { stop: () => Promise.resolve() });
    void startProcess[service](process, this.around).then((running) => {
      if (process.alive) this.processes.set(process, running);
    });
  }

  /** SIGTERM: it stops in order, and is replaced when it has ended. */
  private async restart(process: SimulatedProcess): Promise<void> {
    const running = this.processes.get(process);
    if (running === undefined) return;
    await running.stop();
    if (process.alive) this.journey.note(`${process.name} has stopped`);
    process.crash();
  }
}
