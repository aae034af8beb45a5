import { Registry } from 'prom-client';
import { busMetrics } from './bus-metrics';
import { createRegistry, type MetricGroup, metricNames, metrics, metricsOf } from './metrics';
import { programMetrics } from './program-metrics';
import { type MetricDefinition, open } from './register-metrics';

const definitions: MetricDefinition[] = Object.values(metrics).flatMap((group) =>
  Object.values(group),
);
const baseUnits = /_(seconds|bytes|events|appends|position|info)(_total)?$/;

test('a name is said once, has the prefix, and `_total` when and only when it counts up', () => {
  expect(new Set(metricNames).size).toBe(metricNames.length);
  for (const { name, kind } of definitions) {
    expect(name).toMatch(/^writ_[a-z]+(_[a-z]+)*$/);
    expect([name, name.endsWith('_total')]).toEqual([name, kind === 'counter']);
    expect(name).not.toMatch(/_(ms|milliseconds|minutes|kb)(_|$)/);
    if (kind === 'histogram') expect(name).toMatch(baseUnits);
  }
});

test('each has a sentence of help, rising buckets and no label that is an id', () => {
  for (const { name, help, labels, buckets = [] } of definitions) {
    expect([name, help]).toEqual([name, expect.stringMatching(/^[A-Z0-9].{10,}\.$/)]);
    expect([...buckets].sort((a, b) => a - b)).toEqual(buckets);
    expect(Object.keys(labels).filter((label) => /id$|directive|run$|step$/i.test(label))).toEqual(
      [],
    );
  }
});

test('all groups of one service live in one registry, and within the budget of series', async () => {
  const registry = createRegistry('planner', '0.1.0');
  const groups = (Object.keys(metrics) as MetricGroup[]).filter((group) => group !== 'process');
  const members = Object.keys(metricsOf(registry, ...groups));
  expect(members).toHaveLength(metricNames.length - Object.keys(metrics.process).length);
  const text = await registry.metrics();
  for (const name of metricNames) expect(text).toContain(`# HELP ${name} `);
  expect(text.split('\n').filter((line) => !line.startsWith('#')).length).toBeLessThan(2000);
});

test('a counter starts at zero for each value of its closed labels', async () => {
  const registry = new Registry();
  const planner = metricsOf(registry, 'planner', 'reconciler');
  expect(await registry.metrics()).toContain('writ_steps_total{outcome="failed"} 0');
  planner.steps.inc({ outcome: 'failed' });
  planner.rerings.inc({ what: 'step' });
  expect(await registry.metrics()).toContain('writ_steps_total{outcome="failed"} 1');
});

test('the bus counts in seconds, and dead letters from zero', async () => {
  const registry = new Registry();
  const bus = busMetrics(registry);
  bus.pending('planner-runs', 0);
  expect(await registry.metrics()).toContain(
    'writ_dead_letters_total{consumer="planner-runs",reason="exhausted"} 0',
  );
  bus.sent('stored', 20);
  bus.delivered('executor-program', 'done', 1500);
  bus.redelivered('executor-program');
  bus.deadLettered('executor-program', 'malformed');
  bus.pending('executor-program', 7);
  bus.healed('WRIT_WORK');
  const text = await registry.metrics();
  expect(text).toContain('writ_bus_send_seconds_sum{outcome="stored"} 0.02');
  expect(text).toContain(
    'writ_bus_handling_seconds_sum{consumer="executor-program",outcome="done"} 1.5',
  );
  expect(text).toContain('writ_bus_redeliveries_total{consumer="executor-program"} 1');
  expect(text).toContain(
    'writ_dead_letters_total{consumer="executor-program",reason="malformed"} 1',
  );
  expect(text).toContain('writ_bus_consumer_pending{consumer="executor-program"} 7');
  expect(text).toContain('writ_bus_heals_total{name="WRIT_WORK"} 1');
});

test('programs are counted for steps and checks alike, from zero', async () => {
  const registry = new Registry();
  const programs = programMetrics(registry);
  expect(await registry.metrics()).toContain('writ_redactions_total 0');
  programs.started('S2', 0.01);
  programs.wrote('stdout', 10);
  programs.wrote('stdout', 5);
  programs.redacted(2);
  const text = await registry.metrics();
  expect(text).toContain('writ_sandbox_spawn_seconds_count{level="S2"} 1');
  expect(text).toContain('writ_program_output_bytes_total{stream="stdout"} 15');
  expect(text).toContain('writ_program_output_bytes_total{stream="stderr"} 0');
  expect(text).toContain('writ_redactions_total 2');
});

test('what may be open is a name from a set that the code knows', () => {
  const labels = new Set(
    definitions.flatMap(({ labels }) =>
      Object.entries(labels).flatMap(([label, values]) => (values === open ? [label] : [])),
    ),
  );
  expect([...labels].sort()).toEqual(
    ['check', 'consumer', 'kind', 'level', 'method', 'name', 'outcome', 'projection'].concat([
      'route',
      'service',
      'version',
      'what',
    ]),
  );
});
