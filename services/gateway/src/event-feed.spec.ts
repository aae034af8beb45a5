import { eventually } from '@writ/testing';

import type { EventFeed, Follower } from './event-feed';
import { FeedLog, reader, upTo } from './feed-log';

test('what was there comes first, then what the doorbell rings for', async () => {
  const log = new FeedLog();
  for (let at = 0; at < 7; at += 1) log.append();
  const feed = log.feed();
  const one = reader();
  const following = feed.follow(one.follower, 2);
  await eventually(() => one.seen.length === 5, { what: 'the old events' });
  log.append();
  log.rang(8);
  await eventually(() => one.seen.length === 6, { what: 'the new event' });
  expect(one.seen).toEqual(upTo(8, 3));
  one.leave();
  await following;
  expect(feed.followers).toBe(0);
  expect(log.listeners).toBe(0);
});

test('nobody misses an event or gets one twice, whenever they come in', async () => {
  const log = new FeedLog();
  const feed = log.feed({ gapMs: 1 });
  const readers = Array.from({ length: 20 }, reader);
  const endings: Promise<void>[] = [];
  // Each answer of the log lets another event in between, and another reader.
  log.beforeAnswer = () => {
    if (log.events.length < 200) log.append();
    const next = readers[endings.length];
    if (next !== undefined) endings.push(feed.follow(next.follower, 0));
    setImmediate(() => log.rang());
  };
  endings.push(feed.follow(readers[0]!.follower, 0));
  await eventually(
    () => endings.length === 20 && readers.every(({ seen }) => seen.length === 200),
    { what: 'everybody to have all 200' },
  );
  for (const { seen, leave } of readers) {
    expect(seen).toEqual(upTo(200));
    leave();
  }
  await Promise.all(endings);
});

test('one question serves everybody, and no two come closer than the gap', async () => {
  const log = new FeedLog();
  const feed = log.feed({ gapMs: 40 });
  const readers = [reader(), reader(), reader()];
  const endings = readers.map(({ follower }) => feed.follow(follower, 0));
  await eventually(() => log.reads.length >= 4, { what: 'all to be live' });
  const before = log.reads.length;
  // A log that is never at rest: whatever is seen makes the next event, after the reading.
  const { take } = readers[0]!.follower;
  readers[0]!.follower.take = (event) => {
    take(event);
    if (event.position === 10) return;
    setImmediate(() => {
      log.append();
      log.rang(event.position + 1);
    });
  };
  log.append();
  log.rang(1);
  await eventually(() => readers.every(({ seen }) => seen.length === 10), { what: 'all events' });
  const live = log.reads.slice(before);
  expect(live).toHaveLength(10);
  for (let at = 1; at < live.length; at += 1) {
    expect(live[at]!.at - live[at - 1]!.at).toBeGreaterThan(35);
  }
  for (const { leave } of readers) leave();
  await Promise.all(endings);
});

/** Holds the next reading back: before it looks, or with what it saw. */
function hold(log: FeedLog, where: 'beforeLook' | 'beforeAnswer'): () => void {
  let release: () => void = () => undefined;
  log[where] = () => {
    log[where] = () => undefined;
    return new Promise<void>((resolve) => (release = resolve));
  };
  return () => release();
}

async function live(log: FeedLog, feed: EventFeed) {
  const one = reader();
  const reads = log.reads.length;
  const following = feed.follow(one.follower, 0);
  await eventually(() => log.reads.length > reads && one.seen.length === log.events.length, {
    what: 'the reader to be live',
  });
  return { ...one, following };
}

test('an event that the others were handed while one came in is not lost to that one', async () => {
  const log = new FeedLog();
  log.append();
  const feed = log.feed();
  const first = await live(log, feed);
  const release = hold(log, 'beforeAnswer');
  const second = reader();
  const following = feed.follow(second.follower, 0);
  await eventually(() => log.reads.length === 3, { what: 'the second to have looked' });
  log.append();
  log.rang(2);
  await eventually(() => first.seen.length === 2, { what: 'the first to have it' });
  release();
  await eventually(() => second.seen.length === 2, { what: 'the second to have it' });
  for (const { leave } of [first, second]) leave();
  await Promise.all([first.following, following]);
});

test('one who comes in late does not move the others past what they have not seen', async () => {
  const log = new FeedLog();
  log.append();
  const feed = log.feed();
  const [first, second] = [reader(), reader()];
  const followings = [feed.follow(first.follower, 0)];
  const release = hold(log, 'beforeLook');
  followings.push(feed.follow(second.follower, 0));
  release();
  const held = hold(log, 'beforeLook');
  await eventually(() => first.seen.length === 1 || log.reads.length >= 2, { what: 'both to ask' });
  log.append();
  log.append();
  held();
  log.rang(3);
  await eventually(() => [first, second].every(({ seen }) => seen.length === 3), { what: 'all' });
  for (const { leave } of [first, second]) leave();
  await Promise.all(followings);
});

test('a ring that waits for its turn is not forgotten when somebody comes in', async () => {
  const log = new FeedLog();
  const feed = log.feed({ gapMs: 200 });
  const first = await live(log, feed);
  log.append();
  log.rang(1);
  await eventually(() => first.seen.length === 1, { what: 'the first event' });
  log.append();
  log.rang(2);
  const second = await live(log, feed);
  await eventually(() => first.seen.length === 2, { what: 'the second event' });
  for (const { leave } of [first, second]) leave();
  await Promise.all([first.following, second.following]);
});

test('a ring during a reading leads to another one', async () => {
  const log = new FeedLog();
  const feed = log.feed();
  const first = await live(log, feed);
  const release = hold(log, 'beforeAnswer');
  const reads = log.reads.length;
  log.append();
  log.rang(1);
  await eventually(() => log.reads.length === reads + 1, { what: 'the reading to begin' });
  log.append();
  log.rang(2);
  release();
  await eventually(() => first.seen.length === 2, { what: 'the second event' });
  first.leave();
  await first.following;
});

test('a ring that was missed is made up for by the next poll', async () => {
  const log = new FeedLog();
  const feed = log.feed({ pollMs: 30 });
  const one = reader();
  const following = feed.follow(one.follower, 0);
  await eventually(() => log.reads.length >= 2, { what: 'the reader to be live' });
  log.append();
  await eventually(() => one.seen.length === 1, { what: 'the event without a ring' });
  one.leave();
  await following;
});

test('a log that cannot be read is read again later', async () => {
  const log = new FeedLog();
  const errors: unknown[] = [];
  const feed = log.feed({ pollMs: 30, onError: (error) => errors.push(error) });
  const one = reader();
  const following = feed.follow(one.follower, 0);
  await eventually(() => log.reads.length >= 2, { what: 'the reader to be live' });
  log.beforeAnswer = () => {
    log.beforeAnswer = () => undefined;
    throw new Error('away');
  };
  log.append();
  log.rang(1);
  await eventually(() => one.seen.length === 1, { what: 'the event' });
  expect(errors).toHaveLength(1);
  one.leave();
  await following;
});

test('who follows one directive gets its events only, of all its streams', async () => {
  const log = new FeedLog();
  const feed = log.feed();
  const one = reader();
  log.append('directive-bbbbbbbbbbbbbbbb');
  const following = feed.follow(one.follower, 0, 'bbbbbbbbbbbbbbbb');
  await eventually(() => one.seen.length === 1, { what: 'the first event' });
  log.append('directive-aaaaaaaaaaaaaaaa');
  log.append('run-bbbbbbbbbbbbbbbb-g1-one-a1');
  log.append('run-bbbbbbbbbbbbbbbbb-g1-one-a1');
  log.append('workspace-bbbbbbbbbbbbbbbb');
  log.rang(5);
  await eventually(() => one.seen.length === 3, { what: 'the other two' });
  expect(one.seen).toEqual([1, 3, 5]);
  one.leave();
  await following;
});

test('who comes in behind gets the next only when it has taken the one before', async () => {
  const log = new FeedLog();
  for (let count = 0; count < 8; count += 1) log.append();
  const one = reader();
  let waiting = 0;
  let most = 0;
  const follower: Follower = {
    ...one.follower,
    take: (event) => {
      most = Math.max(most, (waiting += 1));
      one.follower.take(event);
    },
    drained: async () => void (waiting = 0),
  };
  const following = log.feed().follow(follower, 0);
  await eventually(() => one.seen.length === 8, { what: 'all events' });
  expect(most).toBe(1);
  one.leave();
  await following;
});

test('what is too large for one answer comes in smaller pages', async () => {
  const log = new FeedLog();
  for (let count = 0; count < 20; count += 1) log.append();
  log.largest = 3;
  const one = reader();
  const following = log.feed({ pageSize: 100 }).follow(one.follower, 0);
  await eventually(() => one.seen.length === 20, { what: 'all events' });
  for (let count = 0; count < 5; count += 1) log.append();
  log.rang(25);
  await eventually(() => one.seen.length === 25, { what: 'those that came later' });
  expect(one.seen).toEqual(upTo(25));
  one.leave();
  await following;
});
