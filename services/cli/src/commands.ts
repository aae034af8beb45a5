/**
 * What carries out each command, read from disk when it is called: reading them all would make every
 * `--help` wait for the schemas. `import()` would want file extensions here.
 */
export const commands = {
  up: () => (require('./commands/up') as typeof import('./commands/up')).up,
  down: () => (require('./commands/down') as typeof import('./commands/down')).down,
  doctor: () => (require('./commands/doctor') as typeof import('./commands/doctor')).doctor,
  demo: () => (require('./commands/demo') as typeof import('./commands/demo')).demo,
  submit: () => (require('./commands/submit') as typeof import('./commands/submit')).submit,
  plan: () => (require('./commands/plan') as typeof import('./commands/plan')).plan,
  run: () => (require('./commands/run') as typeof import('./commands/run')).run,
  watch: () => (require('./commands/watch') as typeof import('./commands/watch')).watch,
  tell: () => (require('./commands/tell') as typeof import('./commands/tell')).tell,
  orders: () => require('./commands/orders') as typeof import('./commands/orders'),
  approvals: () => require('./commands/approvals') as typeof import('./commands/approvals'),
  schedule: () => require('./commands/schedule') as typeof import('./commands/schedule'),
  budget: () => (require('./commands/budget') as typeof import('./commands/budget')).budget,
  rules: () => require('./commands/rules') as typeof import('./commands/rules'),
  look: () => require('./commands/look') as typeof import('./commands/look'),
  insight: () => require('./commands/insight') as typeof import('./commands/insight'),
  events: () => (require('./commands/events') as typeof import('./commands/events')).events,
  runs: () => require('./commands/runs') as typeof import('./commands/runs'),
  manifest: () => require('./commands/manifest') as typeof import('./commands/manifest'),
  metrics: () => (require('./commands/metrics') as typeof import('./commands/metrics')).metrics,
  rollback: () => (require('./commands/rollback') as typeof import('./commands/rollback')).rollback,
  bundle: () => require('./commands/bundle') as typeof import('./commands/bundle'),
  upkeep: () => require('./commands/upkeep') as typeof import('./commands/upkeep'),
  dlq: () => require('./commands/dlq') as typeof import('./commands/dlq'),
  worker: () => require('./commands/worker') as typeof import('./commands/worker'),
  completion: () =>
    (require('./commands/completion') as typeof import('./commands/completion')).completion,
} as const;
