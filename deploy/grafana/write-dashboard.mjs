// Writes dashboards/writ.json: `node deploy/grafana/write-dashboard.mjs`; with --stdout it prints it.
// Owns what is shown and where. Rows from top to bottom answer: does it need a person, does work flow,
// what does it wait for, is each service well, is the record keeping up.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const datasource = { type: 'prometheus', uid: 'prometheus' };
const WIDTH = 24;
const rate = (selector) => `rate(${selector}[$__rate_interval])`;
const ofService = '{job=~"$service"}';

/** A query: PromQL and how its lines are named. */
const query = (expr, legend = '') => ({ expr, legend });
const quantile = (q, histogram, by, selector = '') =>
  query(
    `histogram_quantile(${q}, sum by (${['le', ...by].join(', ')}) (${rate(`${histogram}_bucket${selector}`)}))`,
    [`p${q * 100}`, ...by.map((label) => `{{${label}}}`)].join(' '),
  );
const perSecond = (counter, by, selector = '') =>
  query(
    `sum by (${by.join(', ')}) (${rate(counter + selector)})`,
    by.map((label) => `{{${label}}}`).join(' '),
  );

const targets = (queries) =>
  queries.map(({ expr, legend }, index) => ({
    refId: String.fromCharCode(65 + index),
    datasource,
    expr,
    legendFormat: legend || '__auto',
  }));

/** One number; amber and red from these values on. */
const stat = (title, description, unit, expr, red, amber = red) => ({
  type: 'stat',
  title,
  description,
  datasource,
  targets: targets([query(expr)]),
  fieldConfig: {
    defaults: {
      unit,
      thresholds: {
        mode: 'absolute',
        steps: [
          { color: 'green', value: null },
          ...(amber < red ? [{ color: 'orange', value: amber }] : []),
          { color: 'red', value: red },
        ],
      },
    },
    overrides: [],
  },
  options: {
    colorMode: 'background',
    graphMode: 'none',
    reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
  },
});

const lines = (title, description, unit, queries, { stacked = false } = {}) => ({
  type: 'timeseries',
  title,
  description,
  datasource,
  targets: targets(queries),
  fieldConfig: {
    defaults: {
      unit,
      min: 0,
      custom: {
        fillOpacity: stacked ? 40 : 8,
        showPoints: 'never',
        stacking: { mode: stacked ? 'normal' : 'none' },
      },
    },
    overrides: [],
  },
  options: {
    legend: { displayMode: 'list', placement: 'bottom' },
    tooltip: { mode: 'multi', sort: 'desc' },
  },
});

const rows = [
  {
    title: 'Needs a person',
    height: 4,
    panels: [
      stat(
        'Approvals',
        'Approvals that wait for a person.',
        'none',
        'max(writ_approvals_pending)',
        20,
        1,
      ),
      stat(
        'Oldest approval',
        'How long the oldest of them has waited.',
        's',
        'max(writ_approval_oldest_age_seconds)',
        14400,
        3600,
      ),
      stat('Stuck', 'Directives that do not move.', 'none', 'max(writ_directives_stuck)', 1),
      stat(
        'Dead letters, 24 h',
        'Messages given up on. `writ dlq ls` lists them.',
        'none',
        'sum(increase(writ_dead_letters_total[24h]))',
        1,
      ),
      stat('Not ready', 'Checks of readiness that say no.', 'none', 'sum(writ_ready == bool 0)', 1),
      stat(
        'Record',
        'Verifications of the log that found something wrong.',
        'none',
        'max(writ_log_verification_failures_total)',
        1,
      ),
    ],
  },
  {
    title: 'Flow of directives and steps',
    height: 8,
    panels: [
      lines(
        'Directives by state',
        'Those that have not ended.',
        'none',
        [
          query(
            'max by (state) (writ_directives{state!~"completed|failed|stopped|archived"})',
            '{{state}}',
          ),
        ],
        { stacked: true },
      ),
      lines('Directives', 'Commands by outcome, and ends.', 'cps', [
        perSecond('writ_directive_commands_total', ['outcome']),
        perSecond('writ_directives_ended_total', ['outcome']),
      ]),
      lines('Steps', 'Steps that ended, by outcome.', 'cps', [
        perSecond('writ_steps_total', ['outcome']),
      ]),
      lines('Spend', 'What runs cost: dollars, tokens, and marks of budgets reached.', 'none', [
        query(`sum(${rate('writ_spend_usd_total')})`, 'dollars'),
        perSecond('writ_spend_tokens_total', ['direction']),
        perSecond('writ_budget_marks_total', ['of', 'percent']),
      ]),
      lines('Runs', 'Runs that ended, by adapter and outcome.', 'cps', [
        perSecond('writ_step_attempts_total', ['adapter', 'outcome']),
      ]),
      lines('Evaluations', 'By level, and checks by outcome.', 'cps', [
        perSecond('writ_evaluations_total', ['level']),
        perSecond('writ_checks_total', ['kind', 'outcome']),
      ]),
      lines('Run cache', 'Lookups by answer.', 'cps', [
        perSecond('writ_cache_lookups_total', ['result']),
      ]),
    ],
  },
  {
    title: 'Waiting and working',
    height: 8,
    panels: [
      lines('Queue', 'From the start of a step until an executor begins.', 's', [
        quantile(0.5, 'writ_step_queue_seconds', []),
        quantile(0.95, 'writ_step_queue_seconds', []),
      ]),
      lines(
        'Admission',
        'Work that is answered at once; new directives told to come later.',
        'none',
        [
          query('max(writ_admission_backlog)', 'backlog'),
          perSecond('writ_admission_refused_total', ['reason']),
        ],
      ),
      lines('Run', 'How long executors work on a run.', 's', [
        quantile(0.5, 'writ_step_run_seconds', ['adapter']),
        quantile(0.95, 'writ_step_run_seconds', ['adapter']),
      ]),
      lines('Evaluation', 'How long an evaluation takes.', 's', [
        quantile(0.5, 'writ_evaluation_seconds', []),
        quantile(0.95, 'writ_evaluation_seconds', []),
      ]),
      lines('Directive', 'From start to end.', 's', [
        quantile(0.5, 'writ_directive_seconds', ['outcome']),
        quantile(0.95, 'writ_directive_seconds', ['outcome']),
      ]),
      lines('Running', 'Runs under way, by executor.', 'none', [
        query('sum by (instance) (writ_step_running)', '{{instance}}'),
      ]),
      lines('Places', 'Steps carried out, and steps that wait for a place, by limit.', 'none', [
        query('sum by (place) (writ_places_used)', 'used {{place}}'),
        query('sum by (place) (writ_places_wanted)', 'wanted {{place}}'),
      ]),
      lines('Start of a program', 'Inside its sandbox, by level.', 's', [
        quantile(0.95, 'writ_sandbox_spawn_seconds', ['level']),
      ]),
      lines('Check', 'How long a check takes, by kind.', 's', [
        quantile(0.5, 'writ_check_seconds', ['kind']),
        quantile(0.95, 'writ_check_seconds', ['kind']),
      ]),
      lines('Output of programs', 'What steps (executor) and checks (verifier) write.', 'Bps', [
        perSecond('writ_program_output_bytes_total', ['job', 'stream']),
      ]),
      lines('Secrets taken out', 'Of what programs wrote, before it was kept.', 'cps', [
        perSecond('writ_redactions_total', ['job']),
      ]),
    ],
  },
  {
    title: 'Services: rate, errors, duration',
    height: 8,
    panels: [
      lines('Messages handled', 'By consumer.', 'cps', [
        perSecond('writ_bus_handling_seconds_count', ['consumer'], ofService),
      ]),
      lines('Messages that failed', 'Deliveries that did not end as done, by consumer.', 'cps', [
        perSecond(
          'writ_bus_handling_seconds_count',
          ['consumer', 'outcome'],
          '{job=~"$service", outcome!="done"}',
        ),
      ]),
      lines('Duration of a reaction', 'By consumer.', 's', [
        quantile(0.5, 'writ_bus_handling_seconds', ['consumer'], ofService),
        quantile(0.95, 'writ_bus_handling_seconds', ['consumer'], ofService),
      ]),
      lines('HTTP requests', 'By service.', 'reqps', [
        perSecond('writ_http_request_seconds_count', ['job'], ofService),
      ]),
      lines('HTTP errors', 'Share of answers with 5xx.', 'percentunit', [
        query(
          `sum by (job) (${rate('writ_http_request_seconds_count{job=~"$service", status="5xx"}')})` +
            ` / sum by (job) (${rate(`writ_http_request_seconds_count${ofService}`)})`,
          '{{job}}',
        ),
      ]),
      lines('Duration of HTTP', 'By service, with what the gateway waits for on the bus.', 's', [
        quantile(0.95, 'writ_http_request_seconds', ['job'], ofService),
        quantile(0.95, 'writ_gateway_ask_seconds', ['kind', 'outcome'], ofService),
      ]),
    ],
  },
  {
    title: 'Log, relay, read models, messages',
    height: 8,
    panels: [
      lines('Append', 'What a caller of the log waits for, by result.', 's', [
        quantile(0.5, 'writ_log_append_seconds', ['result']),
        quantile(0.95, 'writ_log_append_seconds', ['result']),
      ]),
      lines('Events', 'Appended, and read models behind them.', 'cps', [
        query('max(deriv(writ_log_head_position[1m]))', 'appended'),
        perSecond('writ_projection_events_total', ['projection']),
      ]),
      lines('Conflicts', 'Appends whose stream had moved on.', 'cps', [
        perSecond('writ_log_conflicts_total', ['job']),
      ]),
      lines('Relay', 'Age of the oldest event that is not published.', 's', [
        query('max(writ_relay_lag_seconds)', 'lag'),
      ]),
      lines('Behind the log', 'Events that relay and read models have not come to.', 'none', [
        query('max(writ_relay_lag_events)', 'relay'),
        query('max by (projection) (writ_projection_lag_events)', '{{projection}}'),
      ]),
      lines('Published', 'By writers, and by the relay for what they missed.', 'cps', [
        perSecond('writ_bus_send_seconds_count', ['job', 'outcome'], ofService),
        query(`sum(${rate('writ_relay_published_total')})`, 'relay'),
      ]),
      lines('Pending', 'Messages that wait for a consumer.', 'none', [
        query('max by (consumer) (writ_bus_consumer_pending)', '{{consumer}}'),
      ]),
      lines('Again', 'Redeliveries, re-rings, and what was healed.', 'cps', [
        perSecond('writ_bus_redeliveries_total', ['consumer']),
        perSecond('writ_reconciler_rerings_total', ['what']),
        perSecond('writ_bus_heals_total', ['name']),
      ]),
      lines('Leases', 'Lost while working, and taken over.', 'cps', [
        query(`sum(${rate('writ_lease_losses_total')})`, 'lost'),
        query(`sum(${rate('writ_run_takeovers_total')})`, 'taken over'),
      ]),
    ],
  },
  {
    title: 'Schedules',
    height: 7,
    panels: [
      lines('Schedules', 'Those that are not removed, by state.', 'none', [
        query('max by (status) (writ_schedules)', '{{status}}'),
      ]),
      lines('Occurrences', 'Times and messages, by what became of them; made whole later.', 'cps', [
        perSecond('writ_schedule_occurrences_total', ['outcome']),
        query(`sum(${rate('writ_schedule_rerings_total')})`, 'made whole'),
      ]),
      lines('Late', 'From the time of an expression until it was fired.', 's', [
        quantile(0.5, 'writ_schedule_lag_seconds', []),
        quantile(0.99, 'writ_schedule_lag_seconds', []),
      ]),
    ],
  },
  {
    title: 'Processes',
    height: 7,
    panels: [
      lines('CPU', 'Cores in use.', 'none', [
        perSecond('process_cpu_seconds_total', ['job'], ofService),
      ]),
      lines('Memory', 'Resident.', 'bytes', [
        query(`sum by (job) (process_resident_memory_bytes${ofService})`, '{{job}}'),
      ]),
      lines('Event loop', 'How late it is, 99 of 100 times at most.', 's', [
        query(`max by (job) (nodejs_eventloop_lag_p99_seconds${ofService})`, '{{job}}'),
      ]),
    ],
  },
];

/** Rows below one another; their panels side by side, at most six stats or three charts in a line. */
function layOut() {
  const panels = [];
  let y = 0;
  for (const { title, height, panels: inRow } of rows) {
    panels.push({
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { h: 1, w: WIDTH, x: 0, y },
    });
    y += 1;
    const perLine = inRow[0].type === 'stat' ? 6 : 3;
    const w = WIDTH / perLine;
    inRow.forEach((panel, index) => {
      const x = (index % perLine) * w;
      const line = Math.floor(index / perLine);
      panels.push({ ...panel, gridPos: { h: height, w, x, y: y + line * height } });
    });
    y += Math.ceil(inRow.length / perLine) * height;
  }
  return panels.map((panel, index) => ({ id: index + 1, ...panel }));
}

const dashboard = {
  uid: 'writ',
  title: 'Writ',
  description: 'Written by deploy/grafana/write-dashboard.mjs; change it there.',
  tags: ['writ'],
  schemaVersion: 39,
  editable: false,
  graphTooltip: 1,
  refresh: '10s',
  time: { from: 'now-1h', to: 'now' },
  timezone: 'browser',
  templating: {
    list: [
      {
        name: 'service',
        label: 'Service',
        type: 'query',
        datasource,
        query: { query: 'label_values(writ_build_info, job)', refId: 'service' },
        definition: 'label_values(writ_build_info, job)',
        refresh: 2,
        sort: 1,
        multi: true,
        includeAll: true,
        current: { text: ['All'], value: ['$__all'] },
      },
    ],
  },
  annotations: {
    list: [
      {
        name: 'Alerts',
        datasource,
        enable: true,
        iconColor: 'red',
        expr: 'ALERTS{alertstate="firing", alertname=~"Writ.*"}',
        titleFormat: '{{alertname}}',
        textFormat: '{{job}} {{consumer}} {{projection}}',
      },
    ],
  },
  panels: layOut(),
};

const text = `${JSON.stringify(dashboard, null, 2)}\n`;
if (process.argv.includes('--stdout')) process.stdout.write(text);
else {
  const here = dirname(fileURLToPath(import.meta.url));
  writeFileSync(join(here, 'dashboards', 'writ.json'), text);
}
