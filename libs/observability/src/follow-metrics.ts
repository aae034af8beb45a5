/**
 * The metrics of what follows the log: relay, read models, reconciler. They count for themselves; here
 * their figures are read at each scrape. The shapes are those of `@writ/event-log`.
 */
import type { Registry } from 'prom-client';
import { metricsOf } from './metrics';
import { beforeScrape } from './scrape';

export interface WatchedRelay {
  readonly active: boolean;
  /** Events that are not known to be published. */
  readonly lag: number;
  /** Events published by this relay so far. */
  readonly published: number;
  /** Everything up to here is known to be published. */
  readonly tracker: { readonly cursor: number };
}

/** Gives what a count has grown by since the last call. */
function growth(count: () => number): () => number {
  let last = 0;
  return () => {
    const before = last;
    last = count();
    return last - before;
  };
}

/** `clock` in milliseconds. */
export function watchRelay(
  registry: Registry,
  relay: WatchedRelay,
  clock: () => number = () => performance.now(),
): void {
  const metrics = metricsOf(registry, 'relay');
  const published = growth(() => relay.published);
  // A head that was seen at one scrape and is not published at a later one has waited in between.
  let heads: { at: number; position: number }[] = [];
  beforeScrape(registry, () => {
    const { cursor } = relay.tracker;
    const now = clock();
    heads = relay.active ? heads.filter(({ position }) => position > cursor) : [];
    if (relay.active && relay.lag > 0) heads.push({ at: now, position: cursor + relay.lag });
    metrics.relayActive.set(relay.active ? 1 : 0);
    metrics.relayLagEvents.set(relay.lag);
    metrics.relayLagSeconds.set((now - (heads[0]?.at ?? now)) / 1000);
    metrics.relayPublished.inc(published());
  });
}

export interface WatchedFollower {
  /** Events of the log that are not in the read model. */
  readonly lag: number;
  /** Events applied by this process so far. */
  readonly applied: number;
}

/** By the name of the projection. */
export function watchFollowers(
  registry: Registry,
  followers: Readonly<Record<string, WatchedFollower>>,
): void {
  const metrics = metricsOf(registry, 'projections');
  for (const [projection, follower] of Object.entries(followers)) {
    const applied = growth(() => follower.applied);
    beforeScrape(registry, () => {
      metrics.projectionLagEvents.set({ projection }, follower.lag);
      metrics.projectionEvents.inc({ projection }, applied());
    });
  }
}
