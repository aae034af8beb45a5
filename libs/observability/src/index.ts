export { busMetrics } from './bus-metrics';
export {
  describeEnvironment,
  EnvironmentError,
  environmentTable,
  readEnvironment,
  variable,
  type VariableNotes,
  type VariableRow,
} from './environment';
export {
  watchFollowers,
  watchRelay,
  type WatchedFollower,
  type WatchedRelay,
} from './follow-metrics';
export { logMetrics, type MeasureAppend } from './log-metrics';
export { createLogger, type Logger, type LogLevel, logLevels, nestLogger } from './logger';
export {
  createRegistry,
  type MetricGroup,
  metricNames,
  metrics,
  metricsOf,
  type MetricsOf,
} from './metrics';
export { ObservabilityModule, type ObservabilityOptions } from './observability.module';
export { programMetrics } from './program-metrics';
export {
  type CheckAnswer,
  Readiness,
  type ReadinessCheck,
  type ReadinessReport,
} from './readiness';
export type { MetricDefinition } from './register-metrics';
export { beforeScrape } from './scrape';
export {
  processVariables,
  outboundVariables,
  programVariables,
  serviceVariables,
  workerVariables,
} from './service-variables';
export { installShutdown, type Shutdown, type ShutdownOptions, type StopStep } from './shutdown';
export { standBy } from './standby';
export { childOf, continueTrace, formatTraceparent, parseTraceparent, traceIdOf } from './tracing';
export { Registry } from 'prom-client';
