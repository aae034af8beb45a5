/**
 * Every metric of Writ, in one table: prefix `writ_`, base units, `_total` on counters, labels with a
 * bound. A service takes the groups it owns: `metricsOf(registry, 'planner', 'reconciler')`. The
 * dashboards and alert rules under deploy/ are tested against this table.
 */
import { Adapter, ConfidenceLevel, directiveVerbs, RunResult, SkipReason } from '@writ/contracts';
import { collectDefaultMetrics, Registry } from 'prom-client';
import {
  counter,
  gauge,
  histogram,
  type Instruments,
  open,
  registerMetrics,
} from './register-metrics';

/** 1 ms to 10 s: appends, messages, requests, waiting. */
const quick = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** 5 ms to 1 h: what steps, checks and directives take. */
const work = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1800, 3600];
const sizes = [1, 2, 4, 8, 16, 32, 64, 128];

const adapters = Adapter.options.map((option) => option.shape.kind.value);
const places = ['program', 'shell', 'programs', 'http', 'worker', 'all'] as const;
const directiveStates = [
  'draft',
  'planning',
  'awaiting_approval',
  'active',
  'paused',
  'suspended',
  'completed',
  'failed',
  'stopped',
  'archived',
] as const;

const scheduleOutcomes = ['fired', 'buffered', 'duplicate', ...SkipReason.options] as const;

export const metrics = {
  process: {
    buildInfo: gauge('writ_build_info', 'Always 1; which service in which version this is.', {
      service: open,
      version: open,
    }),
  },
  health: {
    ready: gauge('writ_ready', '1 when this check of readiness says yes, 0 when it says no.', {
      check: open,
    }),
  },
  http: {
    requestSeconds: histogram(
      'writ_http_request_seconds',
      'Time from a request to the end of its answer, by route pattern and class of status.',
      quick,
      { method: open, route: open, status: ['1xx', '2xx', '3xx', '4xx', '5xx'] },
    ),
  },
  log: {
    appendSeconds: histogram(
      'writ_log_append_seconds',
      'Time of one append to the event log, with its wait for the group and the commit.',
      quick,
      { result: ['recorded', 'conflict', 'error'] },
    ),
    conflicts: counter(
      'writ_log_conflicts_total',
      'Appends refused because their stream had moved on.',
    ),
    groupSize: histogram('writ_log_group_appends', 'Appends that shared one commit.', sizes),
    headPosition: gauge(
      'writ_log_head_position',
      'Position of the last event of the log that this process knows of.',
    ),
  },
  bus: {
    sendSeconds: histogram(
      'writ_bus_send_seconds',
      'Time from sending a message until its stream has stored it, or the limit.',
      quick,
      { outcome: ['stored', 'failed'] },
    ),
    handlingSeconds: histogram(
      'writ_bus_handling_seconds',
      'Time of one reaction to one delivery, by how the delivery ended.',
      quick,
      { consumer: open, outcome: open },
    ),
    redeliveries: counter(
      'writ_bus_redeliveries_total',
      'Deliveries that were not the first of their message.',
      { consumer: open },
    ),
    consumerPending: gauge(
      'writ_bus_consumer_pending',
      'Messages that wait for a consumer, as the server said last.',
      { consumer: open },
    ),
    deadLetters: counter(
      'writ_dead_letters_total',
      'Messages given up on, by reason; they are kept in WRIT_DEAD.',
      { consumer: open, reason: ['malformed', 'rejected', 'exhausted', 'unknown-subject'] },
    ),
    heals: counter(
      'writ_bus_heals_total',
      'Streams and consumers that were lost or altered and made again.',
      { name: open },
    ),
  },
  relay: {
    relayLagEvents: gauge(
      'writ_relay_lag_events',
      'Events of the log that are neither published nor known to be published.',
    ),
    relayLagSeconds: gauge(
      'writ_relay_lag_seconds',
      'Age of the oldest event that waits for the relay.',
    ),
    relayPublished: counter(
      'writ_relay_published_total',
      'Events that the relay published because nobody else had.',
    ),
    relayActive: gauge('writ_relay_active', '1 in the process that holds the relay, else 0.'),
  },
  projections: {
    projectionLagEvents: gauge(
      'writ_projection_lag_events',
      'Events of the log that a read model has not applied yet.',
      { projection: open },
    ),
    projectionEvents: counter('writ_projection_events_total', 'Events applied to a read model.', {
      projection: open,
    }),
  },
  reconciler: {
    rerings: counter(
      'writ_reconciler_rerings_total',
      'Messages sent again from the log for what was due and unattended.',
      { what: open },
    ),
    reconcilerLastPass: gauge(
      'writ_reconciler_last_pass_timestamp_seconds',
      'When the reconciler last went through everything, in Unix time.',
    ),
  },
  schedules: {
    schedules: gauge('writ_schedules', 'Schedules that are not removed, by their state.', {
      status: ['active', 'paused'],
    }),
    scheduleOccurrences: counter(
      'writ_schedule_occurrences_total',
      'Times and messages of schedules, by what became of them.',
      { outcome: scheduleOutcomes },
    ),
    scheduleLag: histogram(
      'writ_schedule_lag_seconds',
      'Time from the moment that a cron expression names until it was fired.',
      work,
    ),
    scheduleRerings: counter(
      'writ_schedule_rerings_total',
      'Directives made for firings that another planner had left without one.',
    ),
  },
  planner: {
    directives: gauge('writ_directives', 'Directives by state.', { state: directiveStates }),
    directivesEnded: counter('writ_directives_ended_total', 'Directives that ended, by outcome.', {
      outcome: ['completed', 'failed', 'stopped'],
    }),
    directiveSeconds: histogram(
      'writ_directive_seconds',
      'Time from the start of a directive to its end.',
      work,
      { outcome: ['completed', 'failed', 'stopped'] },
    ),
    commands: counter('writ_directive_commands_total', 'Directive commands, by how they ended.', {
      verb: directiveVerbs,
      outcome: ['accepted', 'repeated', 'refused'],
    }),
    admissionBacklog: gauge(
      'writ_admission_backlog',
      'Work that is answered at once and waits or is under way, as admission saw it last.',
    ),
    admissionRefused: counter(
      'writ_admission_refused_total',
      'New directives told to come again later, by what there was too much of.',
      { reason: ['waiting', 'crowd', 'unfinished'] },
    ),
    steps: counter('writ_steps_total', 'Steps that ended, by outcome.', {
      outcome: ['passed', 'failed', 'blocked', 'cancelled'],
    }),
    spentUsd: counter('writ_spend_usd_total', 'What runs have cost, in dollars.'),
    spentTokens: counter('writ_spend_tokens_total', 'Tokens that runs have used.', {
      direction: ['input', 'output'],
    }),
    budgetMarks: counter(
      'writ_budget_marks_total',
      'Marks of budgets that directives have reached.',
      { of: ['cost', 'tokens'], percent: ['50', '80', '95'] },
    ),
    stuck: gauge(
      'writ_directives_stuck',
      'Directives in which something is due and nothing has happened for longer than it may take.',
    ),
    approvalsPending: gauge('writ_approvals_pending', 'Approvals that wait for a person.'),
    approvalOldestSeconds: gauge(
      'writ_approval_oldest_age_seconds',
      'How long the oldest pending approval has waited; 0 when none waits.',
    ),
  },
  executor: {
    attempts: counter('writ_step_attempts_total', 'Runs of steps that ended, by result.', {
      adapter: adapters,
      outcome: RunResult.options,
    }),
    queueSeconds: histogram(
      'writ_step_queue_seconds',
      'Time from the start of a step by the planner until an executor begins with it.',
      work,
      { adapter: adapters },
    ),
    runSeconds: histogram('writ_step_run_seconds', 'Time an executor worked on a run.', work, {
      adapter: adapters,
    }),
    running: gauge('writ_step_running', 'Runs that this executor works on now.'),
    placesUsed: gauge(
      'writ_places_used',
      'Steps that are carried out now, by the limit that they count for.',
      { place: places },
    ),
    placesWanted: gauge(
      'writ_places_wanted',
      'Steps that this executor has taken and that wait for a place, by the limit that holds them.',
      { place: places },
    ),
    cacheLookups: counter('writ_cache_lookups_total', 'Questions to the run cache, by answer.', {
      result: ['hit', 'miss', 'off'],
    }),
    leaseLosses: counter('writ_lease_losses_total', 'Leases lost while the run was worked on.'),
    takeovers: counter('writ_run_takeovers_total', 'Runs taken over from a lease that ran out.'),
  },
  programs: {
    sandboxSpawnSeconds: histogram(
      'writ_sandbox_spawn_seconds',
      'Time to start a program inside its sandbox, by level.',
      quick,
      { level: open },
    ),
    programOutputBytes: counter(
      'writ_program_output_bytes_total',
      'Bytes that the programs of steps and checks wrote, kept or not.',
      { stream: ['stdout', 'stderr'] },
    ),
    redactions: counter(
      'writ_redactions_total',
      'Secrets taken out of what programs said, before any of it was kept or sent.',
    ),
  },
  verifier: {
    evaluations: counter('writ_evaluations_total', 'Evaluations, by level of confidence.', {
      level: ConfidenceLevel.options,
    }),
    evaluationSeconds: histogram(
      'writ_evaluation_seconds',
      'Time from taking an evaluation to its end.',
      work,
    ),
    checks: counter('writ_checks_total', 'Checks run, by kind and outcome.', {
      kind: open,
      outcome: ['passed', 'failed', 'error'],
    }),
    checkSeconds: histogram('writ_check_seconds', 'Time of one check, by kind.', work, {
      kind: open,
    }),
  },
  manifest: {
    sealed: counter('writ_manifests_sealed_total', 'Manifests written, by what they are about.', {
      subject: ['run', 'directive'],
    }),
    sealSeconds: histogram(
      'writ_manifest_seal_seconds',
      'Time to make and record the manifests that were due at once.',
      quick,
    ),
    checkpointPosition: gauge(
      'writ_checkpoint_position',
      'Position of the last signed checkpoint of the log.',
    ),
    checkpointTime: gauge(
      'writ_checkpoint_timestamp_seconds',
      'When the last checkpoint was signed, in Unix time.',
    ),
    logVerifiedPosition: gauge(
      'writ_log_verified_position',
      'Position up to which the hash chain was last verified.',
    ),
    logVerificationFailures: counter(
      'writ_log_verification_failures_total',
      'Verifications of the log that found a wrong hash, a gap or a cut-off tail.',
    ),
    contentBytes: counter('writ_content_bytes_total', 'Bytes of content taken in and kept.'),
  },
  entrance: {
    refused: counter('writ_gateway_refused_total', 'Requests refused before they were read.', {
      code: ['overloaded', 'unauthorized', 'forbidden'],
    }),
  },
  gateway: {
    feeds: gauge('writ_gateway_feeds', 'Live feeds that are open now.'),
    feedEvents: counter('writ_gateway_feed_events_total', 'Events sent to live feeds.'),
    askSeconds: histogram(
      'writ_gateway_ask_seconds',
      'Time from a command or query on the bus to its answer, by outcome.',
      quick,
      { kind: ['command', 'query'], outcome: ['ok', 'refused', 'timeout', 'error'] },
    ),
  },
} as const;

/** The names of all metrics above, without those that Node and prom-client add. */
export const metricNames: readonly string[] = Object.values(metrics).flatMap((group) =>
  Object.values(group).map((definition) => definition.name),
);

export type MetricGroup = keyof typeof metrics;

type All<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer I) => void
  ? I
  : never;

/** The instruments of these groups in one object; the names of members are unique in the table. */
export type MetricsOf<G extends MetricGroup> = All<
  G extends MetricGroup ? Instruments<(typeof metrics)[G]> : never
>;

/** Registers the groups; throws when the registry has one of them already. */
export function metricsOf<G extends MetricGroup>(registry: Registry, ...groups: G[]): MetricsOf<G> {
  return Object.assign({}, ...groups.map((group) => registerMetrics(registry, metrics[group])));
}

/** The event loop is looked at so often; the client's 10 ms would wake an idle process all the time. */
const LOOP_EVERY_MS = 100;

/** A registry with what every process has: its build, and the usual figures of process and Node. */
export function createRegistry(service: string, version: string): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_EVERY_MS });
  metricsOf(registry, 'process').buildInfo.set({ service, version }, 1);
  return registry;
}
