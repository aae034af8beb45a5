import { deployedTexts, metricsNamedIn, metricsServedIn, namesWithoutMetric } from '@writ/testing';
import { createRegistry, type MetricGroup, metricNames, metrics, metricsOf } from './metrics';

/** Served for questions of the moment; no panel and no alert needs them. */
const spare = [
  'writ_checkpoint_position',
  'writ_checkpoint_timestamp_seconds',
  'writ_content_bytes_total',
  'writ_gateway_feed_events_total',
  'writ_gateway_feeds',
  'writ_gateway_refused_total',
  'writ_log_group_appends',
  'writ_log_verified_position',
  'writ_manifest_seal_seconds',
  'writ_manifests_sealed_total',
];

const named = metricsNamedIn([...deployedTexts().values()].join('\n'));

test('dashboards and rules speak of metrics that exist', async () => {
  const registry = createRegistry('planner', '0.1.0');
  const groups = (Object.keys(metrics) as MetricGroup[]).filter((group) => group !== 'process');
  metricsOf(registry, ...groups);
  const served = metricsServedIn(await registry.metrics());
  expect(named.length).toBeGreaterThan(30);
  expect(namesWithoutMetric(named, served)).toEqual([]);
  expect(namesWithoutMetric([...named, 'writ_no_such_total'], served)).toEqual([
    'writ_no_such_total',
  ]);
});

test('every metric is on a dashboard or in a rule, or listed as spare', () => {
  const shown = new Set(named.flatMap((name) => [name, name.replace(/_(bucket|sum|count)$/, '')]));
  expect(metricNames.filter((name) => !shown.has(name)).sort()).toEqual(spare);
});
