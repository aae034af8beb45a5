/** The rules of `delivery.ts` where a bus cannot easily show them. */
import { TerminalError, Unavailable, VersionConflict } from '@writ/contracts';
import { someConsumer } from './bus-world.conformance';
import type { ClaimCheck, Reaction } from './bus';
import { silentLogger, systemClock } from './bus-hooks';
import type { Clock } from './bus-hooks';
import { conflictDelayMs, Deliverer, retryDelayMs } from './delivery';
import type { Delivery, Outlet } from './delivery';

type Step = ['ack'] | ['nak', number] | ['term'] | ['bury', string] | ['answer', unknown];

function settled(
  reaction: Reaction,
  changes: {
    deliveryCount?: number;
    headers?: Record<string, string>;
    body?: string;
    stopping?: boolean;
    bury?: () => Promise<void>;
    claimCheck?: ClaimCheck;
    held?: () => boolean;
    /** Hears how long is waited; then no time passes. */
    waits?: number[];
  } = {},
) {
  const steps: Step[] = [];
  const delivery: Delivery = {
    get held() {
      return changes.held?.() ?? true;
    },
    subject: 'writ.work.echo',
    headers: new Map(Object.entries(changes.headers ?? {})),
    body: Buffer.from(changes.body ?? '{}'),
    deliveryCount: changes.deliveryCount ?? 1,
    origin: 'WRIT_WORK-1-2',
    ack: () => steps.push(['ack']),
    nak: (delayMs) => steps.push(['nak', delayMs]),
    term: () => steps.push(['term']),
  };
  const stopping = new AbortController();
  if (changes.stopping) stopping.abort();
  const { waits } = changes;
  const after: Clock['after'] = (ms, call) => {
    waits?.push(ms);
    return systemClock.after(0, call);
  };
  const outlet: Outlet = {
    clock: waits === undefined ? systemClock : { ...systemClock, after },
    random: () => 0.5,
    logger: silentLogger,
    metrics: {},
    claimCheck: changes.claimCheck,
    signal: stopping.signal,
    answer: async (_, value) => void steps.push(['answer', value]),
    bury: async ({ reason }) => {
      await changes.bury?.();
      steps.push(['bury', reason]);
    },
  };
  const consumer = someConsumer({ maxDeliver: 3 });
  const options = { parse: (data: unknown) => data, concurrency: 1 };
  return new Deliverer(consumer, options, reaction, outlet).deliver(delivery).then(() => steps);
}

const fails =
  (error: unknown): Reaction =>
  async () => {
    throw error;
  };
const asked = { 'writ-reply-to': 'answers.1' };

describe('a delivery', () => {
  it('is answered before it is acknowledged', async () => {
    const steps = await settled(async () => ({ ok: true }), { headers: asked });
    expect(steps).toEqual([['answer', { ok: true }], ['ack']]);
  });

  it('is buried, then answered, then taken off its stream', async () => {
    const steps = await settled(fails(new TerminalError('no', 'no')), { headers: asked });
    const error = { code: 'no', message: 'no', details: undefined };
    expect(steps).toEqual([['bury', 'rejected'], ['answer', { ok: false, error }], ['term']]);
  });

  it('stays in its stream when it cannot be buried', async () => {
    const bury = () => Promise.reject(new Error('the stream of dead letters is full'));
    const steps = await settled(fails(new TerminalError('no', 'no')), { headers: asked, bury });
    expect(steps).toEqual([['nak', 100]]);
  });

  it('is not begun any more when its deliveries ended without an outcome', async () => {
    let begun = 0;
    const reaction = async () => (begun += 1);
    expect(await settled(reaction, { deliveryCount: 6 })).toEqual([['ack']]); // some were given back
    expect(await settled(reaction, { deliveryCount: 7 })).toEqual([
      ['bury', 'exhausted'],
      ['term'],
    ]);
    expect(begun).toBe(1);
  });

  it('is tried again, as the same delivery, while what all work stands on is away', async () => {
    let tries = 0;
    const away = async () => {
      tries += 1;
      if (tries < 6) throw new Error('in vain', { cause: new Unavailable('the log is away') });
      return { tries };
    };
    const waits: number[] = [];
    const steps = await settled(away, { deliveryCount: 3, headers: asked, waits });
    expect(steps).toEqual([['answer', { tries: 6 }], ['ack']]);
    expect(waits).toEqual([100, 200, 400, 800, 1_600]);
  });

  it('waits no longer than 5 s between two tries, and not for what is not its own any more', async () => {
    let tries = 0;
    const waits: number[] = [];
    const held = () => tries < 9;
    const away = async () => {
      tries += 1;
      throw new Unavailable('the log is away');
    };
    expect(await settled(away, { waits, held })).toEqual([]);
    expect(waits.slice(-3)).toEqual([5_000, 5_000, 5_000]);
  });

  it('whose body cannot be fetched since its place is away waits for that too', async () => {
    const gone = new Unavailable('the disk is away');
    const fetches = [gone, gone, Buffer.from('"here"')];
    const get = async () => {
      const next = fetches.shift()!;
      if (next instanceof Error) throw next;
      return next;
    };
    const headers = { 'ce-dataref': `sha256:${'0'.repeat(64)}`, ...asked };
    const claimCheck = { get, put: async () => '' };
    const steps = await settled(async ({ data }) => data, { headers, claimCheck, waits: [] });
    expect(steps).toEqual([['answer', 'here'], ['ack']]);
  });

  it('is tried up to its last delivery, later each time', async () => {
    const broken = fails(new Error('broken'));
    expect(await settled(broken)).toEqual([['nak', 100]]);
    expect(await settled(broken, { deliveryCount: 2 })).toEqual([['nak', 200]]);
    const last = await settled(broken, { deliveryCount: 3 });
    expect(last).toEqual([['bury', 'exhausted'], ['term']]);
  });

  it('that fails because the process stops is given back and counts for nothing', async () => {
    const broken = fails(new Error('aborted'));
    const steps = await settled(broken, { stopping: true, deliveryCount: 3 });
    expect(steps).toEqual([['nak', 0]]);
  });

  it('that lost a race is tried again soon', async () => {
    const steps = await settled(fails(new VersionConflict('run-1', 1, 2)));
    expect(steps).toEqual([['nak', 5]]);
  });

  it('survives a reaction that throws what is no error', async () => {
    for (const thrown of [undefined, null, 'text', 7, { a: 1 }]) {
      expect(await settled(fails(thrown), { deliveryCount: 3 })).toEqual([
        ['bury', 'exhausted'],
        ['term'],
      ]);
    }
  });

  it('survives error details that are not JSON', async () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    const steps = await settled(fails(new TerminalError('loop', 'round', loop)));
    expect(steps).toEqual([['bury', 'rejected'], ['term']]);
  });
});

describe('the delay before another try', () => {
  it('doubles from 100 ms to 30 s, a quarter more or less', () => {
    const delays = [1, 2, 3, 9, 10, 50].map((count) => retryDelayMs(count, () => 0.5));
    expect(delays).toEqual([100, 200, 400, 25_600, 30_000, 30_000]);
    expect(retryDelayMs(1, () => 0)).toBe(75);
    expect(retryDelayMs(1, () => 1)).toBe(125);
  });

  it('is short and spread out after a lost race', () => {
    expect([1, 2, 20].map((count) => conflictDelayMs(count, () => 0.5))).toEqual([5, 10, 250]);
    expect(conflictDelayMs(1, () => 0)).toBe(3);
  });
});
