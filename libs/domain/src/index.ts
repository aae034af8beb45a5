export { answerText } from './approval-ballot';
export type { Talk } from './approval-talk';
export * from './approvals';
export * from './backtest';
export * from './repository-health';
export * from './bundle';
export * from './chain';
export * from './decider';
export * from './directive';
export type { DirectiveCommand, DirectiveOrder } from './directive-command';
export * from './directive-diff';
export * from './directive-documents';
export * from './directive-evidence';
export * from './directive-metrics';
export { legalFrom } from './directive-orders';
export { directiveSnapshot } from './directive-snapshot';
export { isOverTime } from './directive-progress';
export { passesByItself } from './step-outcome';
export { evolveDirective } from './directive-evolution';
export * from './directive-state';
export type { CastVote } from './directive-votes';
export * from './directive-work';
export { nextProbe } from './provider-breaker';
export { exact, MARKS, USUAL_SHARE } from './budget';
export * from './evaluation';
export * from './examine-plan';
export * from './forecast';
export * from './forecast-warnings';
export { forkOf } from './fork';
export * from './gate';
export * from './gate-decisions';
export * from './layout';
export * from './manifest';
export * from './manifest-account';
export * from './metrics-account';
export * from './plan-change';
export * from './plan-for';
export * from './plan-rollback';
export * from './planning';
export * from './planning-default';
export * from './planning-warnings';
export { planFileOf } from './planning-work';
export type { Merge } from './rollback';
export * from './rollback-advisory';
export type { MadePlan } from './directive-planning';
export * from './run';
export {
  legalOnRule,
  matches,
  mayDecide,
  ruleDecider,
  voteOf,
  type RuleCommand,
  type RuleSubject,
} from './rule';
export { evolveRule, ruleDocument, ruleSummary, type Rule, type RuleState } from './rule-state';
export * from './schedule';
export * from './schedule-documents';
export { evolveSchedule, type Schedule, type ScheduleState } from './schedule-state';
export * from './run-metrics';
export type { SnapshotForm } from './snapshot-form';
export * from './why';
export * from './why-run';
export * from './text-diff';
