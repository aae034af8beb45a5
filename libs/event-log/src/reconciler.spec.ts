import { Reconciler } from './reconciler';

/** A promise for the n-th call, and control over when it ends. */
function calls() {
  const began: (() => void)[] = [];
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  let running = 0;
  let mostAtOnce = 0;
  const reconcile = () => {
    running += 1;
    mostAtOnce = Math.max(mostAtOnce, running);
    return new Promise<void>((resolve, reject) => {
      ends.push({ resolve, reject });
      began.shift()?.();
    }).finally(() => {
      running -= 1;
    });
  };
  const next = () => new Promise<void>((resolve) => began.push(resolve));
  return { reconcile, ends, next, mostAtOnce: () => mostAtOnce };
}

const unexpected = (error: unknown) => {
  throw error;
};

describe('Reconciler', () => {
  it('calls at once and again a while after the last call ended', async () => {
    const { reconcile, ends, next } = calls();
    const reconciler = new Reconciler({ reconcile, everyMs: 1, onError: unexpected });
    expect(ends).toHaveLength(1);
    for (let round = 0; round < 3; round += 1) {
      const again = next();
      ends[round]?.resolve();
      await again;
    }
    ends[3]?.resolve();
    await reconciler.stop();
    expect(reconciler.rounds).toBe(4);
  });

  it('never has two calls at once, even when woken in the middle of one', async () => {
    const { reconcile, ends, next, mostAtOnce } = calls();
    const reconciler = new Reconciler({ reconcile, everyMs: 60_000, onError: unexpected });
    const again = next();
    reconciler.wake();
    reconciler.wake();
    ends[0]?.resolve();
    await again; // at once, and not after a minute
    ends[1]?.resolve();
    await reconciler.stop();
    expect(mostAtOnce()).toBe(1);
    expect(ends).toHaveLength(2);
  });

  it('reports a failure and goes on', async () => {
    const { reconcile, ends, next } = calls();
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    const reconciler = new Reconciler({ reconcile, everyMs: 1, onError });
    const again = next();
    ends[0]?.reject(new Error('the log is away'));
    await again;
    ends[1]?.resolve();
    await reconciler.stop();
    expect(errors).toEqual([new Error('the log is away')]);
    expect(reconciler).toMatchObject({ failures: 1, rounds: 2, lastError: errors[0] });
  });

  it('stops after the call under way, without waiting for the next turn', async () => {
    const { reconcile, ends } = calls();
    const reconciler = new Reconciler({ reconcile, everyMs: 60_000, onError: unexpected });
    let stopped = false;
    const stop = reconciler.stop().then(() => (stopped = true));
    await Promise.resolve();
    expect(stopped).toBe(false);
    ends[0]?.resolve();
    await stop;
    expect(ends).toHaveLength(1);
  });
});
