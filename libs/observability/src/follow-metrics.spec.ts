import { Registry } from 'prom-client';
import { VersionConflict } from '@writ/contracts';
import { watchFollowers, watchRelay } from './follow-metrics';
import { logMetrics } from './log-metrics';
import { scrape } from './scrape';

async function valueOf(registry: Registry, name: string): Promise<number | undefined> {
  const line = (await scrape(registry)).split('\n').find((text) => text.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

test('the relay lags for as long as a head that was seen stays unpublished', async () => {
  const registry = new Registry();
  const relay = { active: true, lag: 0, published: 3, tracker: { cursor: 100 } };
  let now = 0;
  watchRelay(registry, relay, () => now);
  expect(await valueOf(registry, 'writ_relay_lag_seconds')).toBe(0);
  expect(await valueOf(registry, 'writ_relay_published_total')).toBe(3);

  Object.assign(relay, { lag: 50 });
  await scrape(registry);
  now = 5_000;
  expect(await valueOf(registry, 'writ_relay_lag_seconds')).toBe(5);
  expect(await valueOf(registry, 'writ_relay_lag_events')).toBe(50);

  // Under load there is always something under way; what was seen before is through.
  now = 10_000;
  Object.assign(relay, { lag: 50, published: 10, tracker: { cursor: 150 } });
  expect(await valueOf(registry, 'writ_relay_lag_seconds')).toBe(0);
  expect(await valueOf(registry, 'writ_relay_published_total')).toBe(10);

  now = 15_000;
  Object.assign(relay, { active: false, lag: 0 });
  expect(await valueOf(registry, 'writ_relay_lag_seconds')).toBe(0);
  expect(await valueOf(registry, 'writ_relay_active')).toBe(0);
});

test('each follower of the log shows how far it is behind', async () => {
  const registry = new Registry();
  const directives = { lag: 4, applied: 10 };
  watchFollowers(registry, { directives });
  await scrape(registry);
  Object.assign(directives, { lag: 0, applied: 14 });
  expect(await valueOf(registry, 'writ_projection_lag_events{projection="directives"}')).toBe(0);
  expect(await valueOf(registry, 'writ_projection_events_total{projection="directives"}')).toBe(14);
});

test('appends are measured by how they end, and their outcome is passed on', async () => {
  const registry = new Registry();
  const { measure, committed } = logMetrics(registry);
  expect(await measure(async () => [{ position: 7 }])).toEqual([{ position: 7 }]);
  const fails = (error: Error) => measure(() => Promise.reject(error));
  await expect(fails(new VersionConflict('run-a', 0, 1))).rejects.toThrow('run-a');
  await expect(fails(new Error('away'))).rejects.toThrow('away');
  for (const result of ['recorded', 'conflict', 'error']) {
    expect(await valueOf(registry, `writ_log_append_seconds_count{result="${result}"}`)).toBe(1);
  }
  expect(await valueOf(registry, 'writ_log_conflicts_total')).toBe(1);
  expect(await valueOf(registry, 'writ_log_head_position')).toBe(7);
  committed(3);
  expect(await valueOf(registry, 'writ_log_group_appends_sum')).toBe(3);
});
