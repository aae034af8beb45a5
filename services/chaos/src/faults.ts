/** What may be done to a stack, by name. Each does it, holds it for a while, and makes it good again. */
import { setTimeout as delay } from 'node:timers/promises';
import { streams } from '@writ/contracts';
import type { SeededRandom } from '@writ/testing';
import { Duplicator } from './duplicator';
import { takeAway } from './jetstream';
import { type Harness, type ProcessName, processNames } from './harness';

/** Does it; says to whom, and for how long. */
export type Fault = (harness: Harness, random: SeededRandom) => Promise<string>;

const longestDownMs = 3_000;
const ms = (random: SeededRandom, low: number, high: number) => random.int(low, high);

const killing =
  (name: ProcessName): Fault =>
  async (harness, random) => {
    const downMs = ms(random, 0, longestDownMs);
    await harness.service(name).down('SIGKILL');
    await delay(downMs);
    harness.service(name).up();
    return `${name} down for ${downMs} ms`;
  };

/** SIGSTOP to one of them, for so many times the life of a lease. */
const stopping =
  (some: readonly ProcessName[], least: number, most: number): Fault =>
  async (harness, random) => {
    const name = random.pick(some);
    const forMs = ms(random, least * harness.leaseMs, most * harness.leaseMs);
    harness.service(name).signal('SIGSTOP');
    await delay(forMs);
    harness.service(name).signal('SIGCONT');
    return `${name} for ${forMs} ms`;
  };

/** What a line does for a while, to some of the processes and one or both of their servers. */
const weather =
  (lowMs: number, highMs: number, change: (line: Line, random: SeededRandom) => void): Fault =>
  async (harness, random) => {
    const some = random.shuffle(processNames).slice(0, random.int(1, processNames.length));
    const kinds = random.pick<('nats' | 'database')[]>([
      ['nats'],
      ['database'],
      ['nats', 'database'],
    ]);
    const forMs = ms(random, lowMs, highMs);
    const lines = kinds.flatMap((kind) => harness.proxies(kind, some));
    for (const line of lines) change(line, random);
    await delay(forMs);
    for (const line of lines) line.heal();
    return `${kinds.join(' and ')} of ${some.join(', ')} for ${forMs} ms`;
  };
type Line = ReturnType<Harness['proxies']>[number];

const someWay = (random: SeededRandom) =>
  random.pick([['up'], ['down'], ['up', 'down']] as ('up' | 'down')[][]);

export const faults = {
  'kill-planner': killing('planner'),
  'kill-executor': killing('executor'),
  'kill-verifier': killing('verifier'),
  'kill-manifest': killing('manifest'),
  'kill-gateway': killing('gateway'),
  term: async (harness, random) => {
    const name = random.pick(processNames);
    await harness.service(name).down('SIGTERM');
    harness.service(name).up();
    return name;
  },
  stop: stopping(processNames, 0.25, 1.5),
  'stop-executor': stopping(['executor', 'executor-2'], 1.5, 3),
  postgres: async (harness, random) => {
    const downMs = ms(random, 0, longestDownMs);
    const how = random.pick(['immediate', 'kill'] as const);
    await harness.postgres.stop(how);
    await delay(downMs);
    await harness.postgres.start();
    return `${how}, down for ${downMs} ms`;
  },
  nats: async (harness, random) => {
    const downMs = ms(random, 0, longestDownMs);
    await harness.nats.kill();
    await delay(downMs);
    await harness.nats.start();
    return `down for ${downMs} ms`;
  },
  /**
   * Its files are gone, and it goes on as if nothing were: what it has to store it may then neither
   * store nor refuse, until the stream is made anew or it is started again.
   */
  'wipe-running': async (harness, random) => {
    const forMs = ms(random, 1_000, 5_000);
    harness.nats.wipe();
    await delay(forMs);
    const restarts = random.pick([true, false]); // it must do without
    if (restarts) {
      await harness.nats.kill();
      await harness.nats.start();
    }
    const then = restarts ? 'then it was started again' : 'and it went on';
    return `its files were taken away while it ran; after ${forMs} ms ${then}`;
  },
  forget: async (harness, random) => {
    const [one, two, ...rest] = random.shuffle(Object.values(streams)).map(({ name }) => name);
    const more = rest.slice(random.int(0, rest.length));
    const taken = await takeAway(harness, { streams: [one!, ...more], consumersOf: [two!] });
    return `${taken.join(', ')} deleted`;
  },
  duplicate: async (harness, random) => {
    const duplicator = await Duplicator.start(harness, { seed: random.int(0, 2 ** 31) });
    await delay(ms(random, 3_000, 8_000));
    await duplicator.stop();
    const heard = [...duplicator.heard].map(([kind, count]) => `${count} ${kind}`).join(', ');
    return `${duplicator.copies} copies of ${heard}`;
  },
  /** Between clients and the gateway. */
  door: async (harness, random) => {
    const { door } = harness;
    const forMs = ms(random, 500, 4_000);
    const how = random.pick(['cut', 'stall', 'refuse', 'delay'] as const);
    if (how === 'cut') door.cut();
    else if (how === 'refuse') door.refuse();
    else if (how === 'stall') door.stall(someWay(random));
    else door.delay(random.int(20, 500), 200, someWay(random));
    await delay(forMs);
    door.reset();
    door.heal();
    return `${how} for ${forMs} ms, then reset`;
  },
  wipe: async (harness) => {
    harness.nats.wipe(); // under its feet
    await harness.nats.kill();
    harness.nats.wipe();
    await harness.nats.start();
    return 'its files were gone while it ran, and when it started';
  },
  cut: async (harness, random) => {
    const kind = random.pick(['nats', 'database'] as const);
    const count = harness.proxies(kind).map((line) => line.cut());
    return `${count.join('+')} connections to ${kind}`;
  },
  reset: async (harness, random) => {
    const kind = random.pick(['nats', 'database'] as const);
    const count = harness.proxies(kind).map((line) => line.reset());
    return `${count.join('+')} connections to ${kind}`;
  },
  stall: weather(1_000, 8_000, (line, random) => line.stall(someWay(random))),
  delay: weather(2_000, 6_000, (line, random) =>
    line.delay(random.int(20, 300), random.int(0, 200), someWay(random)),
  ),
  throttle: weather(2_000, 6_000, (line, random) => line.throttle(16_000, someWay(random))),
  refuse: weather(1_000, 4_000, (line) => {
    line.refuse();
    line.reset();
  }),
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;
export const faultNames = Object.keys(faults) as FaultName[];

/**
 * What a fault is done to. Two faults at the same time are done to different things: a server that is
 * being started must not be started twice.
 */
export function targetOf(name: FaultName): string {
  if (['nats', 'wipe', 'wipe-running', 'forget', 'duplicate'].includes(name)) return 'messages';
  if (['stall', 'delay', 'throttle', 'refuse', 'cut', 'reset'].includes(name)) return 'lines';
  if (name === 'postgres' || name === 'door') return name;
  return 'processes';
}
