import { AppendQueue, defaultLimits, type PendingAppend } from './append-queue';
import { appendOf, event } from './event-log.conformance';
import { LogBusy, LogUnavailable } from './log-errors';
import { prepareAppend } from './prepare-append';

/** A commit that lasts until the test ends it. */
function commits() {
  const batches: string[][] = [];
  const ends: (() => void)[] = [];
  const began: (() => void)[] = [];
  const commit = async (batch: readonly PendingAppend[]) => {
    batches.push(batch.map(({ append }) => append.stream));
    began.shift()?.();
    await new Promise<void>((resolve) => ends.push(resolve));
    for (const { resolve } of batch) resolve([]);
  };
  const next = () => new Promise<void>((resolve) => began.push(resolve));
  return { batches, ends, commit, next };
}

const append = (stream: string, events = 1, data: unknown = {}) =>
  prepareAppend(appendOf(stream, 0, ...Array.from({ length: events }, () => event('It', data))));

const streams = (queue: AppendQueue, ...names: string[]) =>
  names.map((name) => queue.add(append(name)));

describe('AppendQueue', () => {
  it('commits at once what arrives in one moment, in its order', async () => {
    const { batches, ends, commit, next } = commits();
    const queue = new AppendQueue(commit);
    const began = next();
    const added = streams(queue, 'run-1', 'run-2', 'run-3');
    await began;
    expect(batches).toEqual([['run-1', 'run-2', 'run-3']]);
    ends[0]?.();
    await Promise.all(added);
  });

  it('lets what arrives during a commit go together in the next one', async () => {
    const { batches, ends, commit, next } = commits();
    const queue = new AppendQueue(commit);
    const first = next();
    const added = streams(queue, 'run-1');
    await first;
    added.push(...streams(queue, 'run-2', 'run-3'));
    expect(batches).toHaveLength(1); // one commit at a time
    const second = next();
    ends[0]?.();
    await second;
    expect(batches[1]).toEqual(['run-2', 'run-3']);
    ends[1]?.();
    await Promise.all(added);
  });

  it('takes those along who append again as soon as they are answered', async () => {
    const { batches, ends, commit, next } = commits();
    const queue = new AppendQueue(commit);
    const first = next();
    const again = streams(queue, 'run-1', 'run-2').map(async (added, index) => {
      await added;
      await queue.add(append(`run-again-${index}`));
    });
    await first;
    const second = next();
    ends[0]?.();
    await second;
    expect(batches[1]).toEqual(['run-again-0', 'run-again-1']);
    ends[1]?.();
    await Promise.all(again);
  });

  it('bounds a batch by events and by bytes, but takes one append however large', async () => {
    const { batches, ends, commit, next } = commits();
    const limits = { ...defaultLimits, batchEvents: 5, batchBytes: 10_000 };
    const queue = new AppendQueue(commit, limits);
    const first = next();
    const large = 'x'.repeat(9_000);
    const added = [
      queue.add(append('run-1', 3)),
      queue.add(append('run-2', 2)),
      queue.add(append('run-3', 1)),
      queue.add(append('run-4', 1, large)),
      queue.add(append('run-5', 1, large)),
      queue.add(append('run-6', 9)),
    ];
    await first;
    for (let batch = 0; batch < 3; batch += 1) {
      const began = next();
      ends[batch]?.();
      await began;
    }
    ends[3]?.();
    await Promise.all(added);
    expect(batches).toEqual([['run-1', 'run-2'], ['run-3', 'run-4'], ['run-5'], ['run-6']]);
  });

  it('keeps appends in order in one batch, and takes them all or none', async () => {
    const { batches, ends, commit, next } = commits();
    const limits = { ...defaultLimits, batchEvents: 2, queueAppends: 5 };
    const queue = new AppendQueue(commit, limits);
    const first = next();
    const added = [
      queue.add(append('run-1')),
      ...queue.addInOrder([append('run-2'), append('run-3'), append('run-4')]),
    ];
    const refused = queue.addInOrder([append('run-5'), append('run-6')]);
    for (const each of refused) await expect(each).rejects.toBeInstanceOf(LogBusy);
    added.push(queue.add(append('run-7')));
    await first;
    expect(batches).toEqual([['run-1', 'run-2', 'run-3', 'run-4']]);
    const second = next();
    ends[0]?.();
    await second;
    expect(batches[1]).toEqual(['run-7']);
    ends[1]?.();
    await Promise.all(added);
  });

  it('refuses with a cure when too much is waiting, and takes more afterwards', async () => {
    const { ends, commit, next } = commits();
    const queue = new AppendQueue(commit, { ...defaultLimits, queueAppends: 2 });
    const first = next();
    const added = streams(queue, 'run-1');
    await first;
    added.push(...streams(queue, 'run-2', 'run-3'));
    await expect(queue.add(append('run-4'))).rejects.toBeInstanceOf(LogBusy);
    await expect(queue.add(append('run-4'))).rejects.toThrow(/2 appends .* try again later/);
    const second = next();
    ends[0]?.();
    await second;
    added.push(...streams(queue, 'run-4'));
    const third = next();
    ends[1]?.();
    await third;
    ends[2]?.();
    await Promise.all(added);
  });

  it('bounds the bytes that wait', async () => {
    const { ends, commit, next } = commits();
    const queue = new AppendQueue(commit, { ...defaultLimits, queueBytes: 10_000 });
    const first = next();
    const added = queue.add(append('run-1'));
    await first;
    await expect(queue.add(append('run-2', 1, 'x'.repeat(20_000)))).rejects.toBeInstanceOf(LogBusy);
    ends[0]?.();
    await added;
  });

  it('closes when all is settled, and takes nothing more', async () => {
    const { ends, commit, next } = commits();
    const queue = new AppendQueue(commit);
    const first = next();
    const added = streams(queue, 'run-1');
    await first;
    let closed = false;
    const closing = queue.close(60_000).then(() => (closed = true));
    await expect(queue.add(append('run-2'))).rejects.toThrow('the log is closed');
    expect(closed).toBe(false);
    ends[0]?.();
    await Promise.all([...added, closing]);
  });

  it('does not close for ever: it gives up what is not settled, and says which that is', async () => {
    const { ends, commit, next } = commits();
    const taken: PendingAppend[] = [];
    const queue = new AppendQueue((batch) => {
      taken.push(...batch);
      return commit(batch);
    });
    const first = next();
    const under = streams(queue, 'run-1');
    await first;
    const waiting = streams(queue, ...Array.from({ length: 12 }, (_, index) => `run-w${index}`));
    const outcomes = Promise.allSettled([...under, ...waiting]);

    await expect(queue.close(1)).rejects.toThrow(
      /not written: 12 appends \(run-w0, .*run-w9, \.\.\.\); perhaps written: 1 appends \(run-1\)/,
    );

    const said = (await outcomes).map((it) => (it as PromiseRejectedResult).reason as Error);
    expect(said.every((reason) => reason instanceof LogUnavailable)).toBe(true);
    expect(said[0]?.message).toMatch(/run-1: .* perhaps written/);
    expect(said[1]?.message).toMatch(/run-w0: .* not written/);
    expect(taken.every(({ deadline }) => deadline < performance.now())).toBe(true);
    ends[0]?.();
  });

  it('goes on after a commit that failed in a way that nobody thought of', async () => {
    let broken = true;
    const queue = new AppendQueue(async (batch) => {
      if (broken) throw new Error('a defect');
      for (const { resolve } of batch) resolve([]);
    });
    await expect(queue.add(append('run-1'))).rejects.toThrow('a defect');
    broken = false;
    await expect(queue.add(append('run-2'))).resolves.toEqual([]);
  });
});
