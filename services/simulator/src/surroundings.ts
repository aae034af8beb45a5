/** What every simulated process finds around it, and what is its own of that: bus, log, logger. */
import type { ContentStore } from '@writ/content-store';
import { PublishedReporter } from '@writ/event-log';
import type { EventLog } from '@writ/event-log';
import { subjects } from '@writ/contracts';
import { MemoryBus } from '@writ/messaging';
import type { Bus, MemoryServer } from '@writ/messaging';
import { Registry } from '@writ/observability';
import type { Logger } from '@writ/observability';
import { claimCheckOf, publishingLog, seamsWith } from '@writ/service-host';
import type { Points, Seams } from '@writ/service-host';
import type { SeededRandom } from '@writ/testing';
import type { Database } from './database';
import type { Journey } from './journey';
import type { Machine } from './machine';
import { acknowledgedFirst, type Mutant } from './mutants';
import type { SimulatedGit } from './simulated-git';
import type { SimulatedProcess } from './simulated-process';
import type { VirtualTime } from './virtual-time';

export interface Surroundings {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly journey: Journey;
  readonly database: Database;
  readonly server: MemoryServer;
  readonly content: ContentStore;
  readonly machine: Machine;
  readonly git: SimulatedGit;
  readonly mutant: Mutant | undefined;
  /** What happens between two calls of a process. */
  readonly pointsOf: (process: SimulatedProcess) => Points;
}

/** Alike for every service: as `connect` of the service host has it over real servers. */
export interface Connected {
  readonly bus: Bus;
  /** Publishes what it appends. */
  readonly log: EventLog;
  readonly content: ContentStore;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly random: () => number;
  readonly newId: () => string;
  readonly seams: Seams;
  /** Tells who follows the log that this process has appended something. */
  readonly appends: { listen(call: () => void): void; tell(): void };
  /** Stops taking, lets reactions end, reports what was published. */
  drain(): Promise<void>;
}

const graceMs = 10_000;

export function connectSimulated(
  process: SimulatedProcess,
  around: Surroundings,
  concurrency: number,
): Connected {
  const { service, name, clock } = process;
  const { server, database, journey } = around;
  const seams = seamsWith(service, around.pointsOf(process));
  const random = around.random.fork();
  const content = seams.area('content', around.content);
  const logger = loggerOf(process, journey);
  const own = new MemoryBus({ server, name, logger, claimCheck: claimCheckOf(content) });
  process.onGone(() => own.crash());
  process.onStill((still) => own.standStill(still));
  const bus = seams.bus(gated(own, process, concurrency, around.mutant));
  const broadcast = (bytes: Uint8Array) => bus.broadcast(subjects.published, bytes);
  const reporter = new PublishedReporter({ broadcast, clock });
  const stored = seams.log(database.logFor(process));
  const listeners: (() => void)[] = [];
  const tell = () => listeners.forEach((call) => call());
  const source = `/writ/${service}`;
  return {
    ...{ bus, content, logger, seams, registry: new Registry() },
    log: publishingLog(stored, { bus, reporter, logger, source, appended: tell }),
    random: () => random.next(),
    newId: () => newId(random),
    appends: { listen: (call) => void listeners.push(call), tell },
    drain: async () => {
      await own.drain(graceMs);
      reporter.flush();
    },
  };
}

/** Of any version: nothing depends on the order of ids. */
export function newId(random: SeededRandom): string {
  const hex = () =>
    Math.floor(random.next() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  const [one, two, three, four] = [hex(), hex(), hex(), hex()];
  return `${one}-${two.slice(0, 4)}-7${two.slice(5)}-a${three.slice(1, 4)}-${three.slice(4)}${four}`;
}

/** What comes to a process waits until it goes on, and is taken so many at a time. */
function gated(
  bus: MemoryBus,
  process: SimulatedProcess,
  concurrency: number,
  mutant: Mutant | undefined,
): Bus {
  const own: Pick<Bus, 'consume' | 'listen' | 'broadcast'> = {
    consume: (consumer, options, reaction) => {
      const reacting = mutant === 'ack-before-commit' ? acknowledgedFirst(reaction, bus) : reaction;
      return process.call(() =>
        bus.consume(consumer, { ...options, concurrency }, (message) =>
          process.call(() => reacting(message)),
        ),
      );
    },
    listen: (subject, heard) =>
      process.call(() => bus.listen(subject, (...message) => process.run(() => heard(...message)))),
    broadcast: (subject, bytes) => {
      if (process.alive) bus.broadcast(subject, bytes);
    },
  };
  return new Proxy<Bus>(bus, {
    get: (target, key) => {
      if (key in own) return own[key as keyof typeof own];
      const member = Reflect.get(target, key) as unknown;
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

/** Warnings and errors are part of the journey; of an error its message only, which is the same everywhere. */
function loggerOf({ name }: SimulatedProcess, journey: Journey): Logger {
  const nothing = () => undefined;
  const write = (level: string) => (fields: { err?: unknown }, message: string) => {
    const why = fields.err instanceof Error ? fields.err.message : undefined;
    const said = `${name} says (${level}): ${message}`;
    journey.note(why === undefined || why === message ? said : `${said}: ${why}`);
  };
  const quiet = { trace: nothing, debug: nothing, info: nothing };
  const logger = { ...quiet, warn: write('warn'), error: write('error'), child: () => logger };
  return logger as unknown as Logger;
}
