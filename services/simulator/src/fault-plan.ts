/**
 * Which faults one seed has, and how hard. One seed in eight has none at all, and has to be plain. A
 * third of the others has one of a few storms whose faults are worst together; the rest has some of
 * all kinds, so that each is met alone and with any other.
 */
import type { SeededRandom } from '@writ/testing';

/** Probabilities of one call or message, unless said otherwise. */
export interface FaultPlan {
  /** No faults at all. */
  readonly calm: boolean;
  /** The last moment at which a fault may begin. */
  readonly untilMs: number;
  /** At a point between two calls of a service; of those that only read, much less often. */
  readonly points: {
    /** Points with one of these in their names are the worst. */
    readonly favourites: readonly string[];
    readonly crash: number;
    /** That a point is one at which a process dies for sure, once: rare points are met so too. */
    readonly fatal: number;
    readonly stop: number;
    readonly delay: number;
    readonly duplicate: number;
  };
  readonly database: {
    readonly fail: number;
    /** Done, and nobody is told. */
    readonly lostReply: number;
    /** Done long after the caller was told that it failed. */
    readonly late: number;
  };
  readonly content: { readonly fail: number };
  readonly network: {
    readonly drop: number;
    readonly refuse: number;
    readonly copy: number;
    readonly lostAck: number;
    readonly delay: number;
    readonly longestDelayMs: number;
  };
  /** How often in a minute, on average. */
  readonly perMinute: {
    readonly kill: number;
    readonly killAll: number;
    readonly stop: number;
    readonly restart: number;
    readonly jump: number;
    readonly wipe: number;
    readonly databaseAway: number;
    readonly cut: number;
  };
  /** How many processes of each service. */
  readonly planners: number;
  readonly executors: number;
  readonly verifiers: number;
  readonly keepers: number;
}

const POINTS = [
  ...['append.Run', 'append.Step', 'append.Directive', 'append.Evaluation', 'append.Manifest'],
  ...[
    'send.',
    'take.',
    'ack.',
    'lease.',
    'cache.',
    'program.',
    'repository.',
    'content.',
    'check.',
    'rows.',
  ],
];
/** What comes so late has been delivered again meanwhile. */
const BEYOND_ACK_WAIT_MS = 35_000;
const LEAST_MS = 15_000;
const MOST_MS = 60_000;

/** The most of each kind, where it is there at all. */
const most = {
  crash: 0.02,
  fatal: 0.25,
  stopAtPoint: 0.006,
  delayAtPoint: 0.06,
  duplicate: 0.2,
  fail: 0.08,
  lostReply: 0.08,
  late: 0.05,
  disk: 0.1,
  drop: 0.3,
  refuse: 0.1,
  copy: 0.4,
  lostAck: 0.3,
  delay: 0.5,
  kill: 15,
  killAll: 3,
  stop: 25,
  restart: 6,
  jump: 6,
  wipe: 3,
  databaseAway: 3,
  cut: 40,
};
type Kind = keyof typeof most;

/** Kinds that are worst together, each time at their full strength and with nothing else. */
const storms: readonly (readonly Kind[])[] = [
  ['stop', 'cut'],
  ['stop', 'late', 'delayAtPoint'],
  ['lostReply', 'late', 'fail'],
  ['crash', 'duplicate', 'lostReply'],
  ['fatal'],
  ['fatal', 'lostAck'],
  ['kill', 'killAll', 'restart'],
  ['drop', 'copy', 'lostAck', 'wipe'],
  ['databaseAway', 'wipe', 'jump'],
];

export function faultPlan(random: SeededRandom): FaultPlan {
  const calm = random.chance(1 / 8);
  const storm = random.chance(1 / 3) ? random.pick(storms) : undefined;
  const of = (kind: Kind): number => {
    const [is, strength] = [random.chance(0.4), random.next()];
    if (calm) return 0;
    if (storm !== undefined) return storm.includes(kind) ? most[kind] * (0.6 + strength * 0.4) : 0;
    return is ? most[kind] * strength : 0;
  };
  return {
    calm,
    untilMs: random.int(LEAST_MS, MOST_MS),
    points: {
      favourites: random.shuffle(POINTS).slice(0, random.int(1, 3)),
      crash: of('crash'),
      fatal: of('fatal'),
      stop: of('stopAtPoint'),
      delay: of('delayAtPoint'),
      duplicate: of('duplicate'),
    },
    database: { fail: of('fail'), lostReply: of('lostReply'), late: of('late') },
    content: { fail: of('disk') },
    network: {
      drop: of('drop'),
      refuse: of('refuse'),
      copy: of('copy'),
      lostAck: of('lostAck'),
      delay: of('delay'),
      longestDelayMs: random.pick([50, 1_000, 8_000, BEYOND_ACK_WAIT_MS]),
    },
    perMinute: {
      kill: of('kill'),
      killAll: of('killAll'),
      stop: of('stop'),
      restart: of('restart'),
      jump: of('jump'),
      wipe: of('wipe'),
      databaseAway: of('databaseAway'),
      cut: of('cut'),
    },
    planners: random.int(1, 2),
    executors: random.int(1, 3),
    verifiers: random.int(1, 2),
    keepers: random.int(1, 2),
  };
}
