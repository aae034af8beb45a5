/** The rules of `delivery.ts` where a bus cannot easily show them. */
import { TerminalError, VersionConflict } from '@writ/contracts';
import { someConsumer } from './bus-world.conformance';
import type { Reaction } from './bus';
import { silentLogger, systemClock } from './bus-hooks';
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
  } = {},
) {
  const steps: Step[] = [];
  const delivery: Delivery = {
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
  const outlet: Outlet = {
    clock: systemClock,
    random: () => 0.5,
    logger: silentLogger,
    metrics: {},
    claimCheck: undefined,
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
    let begun = false;
    const reaction = async () => (begun = true);
    expect(await settled(reaction, { deliveryCount: 4 })).toEqual([
      ['bury', 'exhausted'],
      ['term'],
    ]);
    expect(begun).toBe(false);
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
