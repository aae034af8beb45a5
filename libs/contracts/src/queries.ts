/**
 * Queries: `writ.query.<service>.<name>`, request and reply. Each has the schema of its question;
 * the answer's shape stands beside it.
 */
import { z } from 'zod';
import { ApprovalId, ApprovalStatus } from './approval';
import { Digest, DirectiveId, RunId, ScheduleId, StepName } from './ids';
import { DirectiveStatus } from './documents';
import { HistoryQuestion } from './plan';
import { RuleName, RuleStatus } from './rule';
import { ScheduleStatus } from './schedule';
import { Moment } from './moment';
import { DecisionPolicy } from './gate-decision';

const DiffAsked = z.strictObject({ id: DirectiveId, at: Moment.optional() });

export const queries = {
  /** -> DirectiveDocument */
  directive: { service: 'planner', name: 'directive', schema: z.strictObject({ id: DirectiveId }) },
  /** -> DirectiveSummary[], newest first; `after` is the id of the last one seen. */
  directives: {
    service: 'planner',
    name: 'directives',
    schema: z.strictObject({
      status: DirectiveStatus.optional(),
      limit: z.number().int().min(1).max(1000).default(100),
      after: DirectiveId.optional(),
    }),
  },
  /** -> ApprovalDocument[], those that have waited longest first. */
  approvals: {
    service: 'planner',
    name: 'approvals',
    schema: z.strictObject({
      status: ApprovalStatus.optional(),
      directiveId: DirectiveId.optional(),
      limit: z.number().int().min(1).max(1000).default(100),
    }),
  },
  /** -> ApprovalDocument, from its directive: always current. */
  approval: {
    service: 'planner',
    name: 'approval',
    schema: z.strictObject({ id: ApprovalId }),
  },
  /** -> PlanDocument: what would be made of a directive. Nothing is written. */
  plan: {
    service: 'planner',
    name: 'plan',
    /** As a person writes it: what is wrong with it is part of the answer. */
    schema: z.strictObject({ directive: z.unknown() }),
  },
  /** -> HistoryAnswer: how steps like these went before, and which of them are in the run cache. */
  history: { service: 'executor', name: 'history', schema: HistoryQuestion },
  /** -> ScheduleSummary[], newest first; without a status those that are not removed. */
  schedules: {
    service: 'planner',
    name: 'schedules',
    schema: z.strictObject({
      status: ScheduleStatus.optional(),
      limit: z.number().int().min(1).max(1000).default(100),
    }),
  },
  /** -> ScheduleDocument, from its stream: always current. */
  schedule: { service: 'planner', name: 'schedule', schema: z.strictObject({ id: ScheduleId }) },
  /** -> RuleSummary[], by name; without a status all. */
  rules: {
    service: 'planner',
    name: 'rules',
    schema: z.strictObject({
      status: RuleStatus.optional(),
      limit: z.number().int().min(1).max(1000).default(100),
    }),
  },
  /** -> RuleDocument, from its stream: always current. */
  rule: { service: 'planner', name: 'rule', schema: z.strictObject({ name: RuleName }) },
  /**
   * -> Why, of a directive or of what its planner knows of a step, a run or an approval: their ids
   * begin with its id.
   */
  why: { service: 'planner', name: 'why', schema: z.strictObject({ id: z.string().max(200) }) },
  /** -> Why, of a run: what its executors know. */
  whyRun: { service: 'executor', name: 'why', schema: z.strictObject({ runId: RunId }) },
  /** -> DirectiveDocument as it was after the event at a position, or at a time. */
  state: {
    service: 'planner',
    name: 'state',
    schema: z.strictObject({ id: DirectiveId, at: Moment }),
  },
  /** -> DirectiveDiff */
  diff: {
    service: 'planner',
    name: 'diff',
    schema: z.strictObject({ a: DiffAsked, b: DiffAsked }),
  },
  /** -> BacktestReport; tells its progress. */
  backtest: {
    service: 'planner',
    name: 'backtest',
    schema: z.strictObject({
      policy: DecisionPolicy,
      since: z.iso.datetime({ offset: true }).optional(),
      /** So many flips are listed. */
      limit: z.number().int().min(0).max(1000).default(200),
    }),
  },
  /** -> RunDocument */
  run: { service: 'executor', name: 'run', schema: z.strictObject({ runId: z.string().max(200) }) },
  /** -> EvaluationCompleted of a run, from its stream; not_found before it is judged. */
  evaluation: {
    service: 'verifier',
    name: 'evaluation',
    schema: z.strictObject({ runId: RunId }),
  },
  /** -> { events: RecordedEvent[] with hash, headPosition } in order of position. */
  events: {
    service: 'manifest',
    name: 'events',
    schema: z.strictObject({
      directiveId: DirectiveId.optional(),
      after: z.number().int().min(0).default(0),
      limit: z.number().int().min(1).max(1000).default(500),
    }),
  },
  /** Of a run or a directive -> { digest, manifest: the canonical text, seal: RecordedEvent } */
  manifest: {
    service: 'manifest',
    name: 'manifest',
    schema: z.strictObject({ id: z.string().max(200) }),
  },
  /** -> RollbackAdvisory; nothing is done. */
  rollbackAdvisory: {
    service: 'manifest',
    name: 'rollback-advisory',
    schema: z.strictObject({ id: DirectiveId, step: StepName }),
  },
  /** -> DirectiveMetrics, from the log as it is now */
  directiveMetrics: {
    service: 'manifest',
    name: 'directive-metrics',
    schema: z.strictObject({ id: DirectiveId }),
  },
  /** -> RunMetrics */
  runMetrics: {
    service: 'manifest',
    name: 'run-metrics',
    schema: z.strictObject({ id: RunId }),
  },
  /** -> { bytes (base64), total } */
  readContent: {
    service: 'manifest',
    name: 'read-content',
    schema: z.strictObject({
      digest: Digest,
      offset: z.number().int().min(0).default(0),
      length: z
        .number()
        .int()
        .min(1)
        .max(512 * 1024)
        .default(512 * 1024),
    }),
  },
  /**
   * Writes content in pieces of one upload -> { received } or, after the last, { digest, bytes }.
   * All pieces of one upload are at most 64 MiB.
   */
  writeContent: {
    service: 'manifest',
    name: 'write-content',
    schema: z.strictObject({
      bytes: z.string().max(700 * 1024),
      uploadId: z.string().max(64),
      offset: z.number().int().min(0),
      last: z.boolean(),
    }),
  },
  /** -> LogVerification; tells its progress. */
  verifyLog: { service: 'manifest', name: 'verify-log', schema: z.strictObject({}) },
} as const;

/** Each service with read models answers `rebuild` -> { events, seconds, projections }. */
export const rebuildQuery = (service: 'planner' | 'executor' | 'verifier' | 'manifest') =>
  ({ service, name: 'rebuild', schema: z.strictObject({ check: z.boolean() }) }) as const;

export interface ProjectionReport {
  readonly name: string;
  readonly rows: number;
  readonly equal: boolean;
}

export interface RebuildReport {
  readonly events: number;
  readonly seconds: number;
  readonly projections: readonly ProjectionReport[];
}

export interface LogVerification {
  readonly events: number;
  readonly headPosition: number;
  readonly headHash: string;
  readonly ok: boolean;
  readonly firstBad?: { readonly position: number; readonly reason: string };
}
