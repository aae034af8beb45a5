/** What the executor's reactions share. */
import type { ContentStore } from '@writ/content-store';
import type { Actor, Clock, EventMetadata, RebuildReport, RunEvent } from '@writ/contracts';
import type { RunCommand, RunState } from '@writ/domain';
import type { Aggregates, EventLog } from '@writ/event-log';
import type { Bus, Incoming } from '@writ/messaging';
import type { Logger, MetricsOf } from '@writ/observability';
import type { WorkerDesk } from '@writ/worker-protocol';
import type { ActiveRuns } from './active-runs';
import type { DirectiveWatch } from './directive-watch';
import type { Leases } from './leases/leases';
import type { StepHost } from './open-programs';
import type { StepHistoryRows } from './projections/step-history';
import type { RunCache } from './run-cache/run-cache';
import type { SuccessesOfStep } from './run-cache/successes-of-step';
import type { StreamFolds } from './stream-folds';
import type { Workshop } from './workshop';
import type { Repositories } from './workspaces/repositories';
import type { Turns } from './workspaces/turns';
import type { WorkspaceAnswers } from './workspaces/workspace-answers';

export type Runs = Aggregates<RunState, RunCommand, RunEvent>;

export interface Executor {
  /** Of this process. */
  readonly executorId: string;
  readonly runs: Runs;
  /** Publishes what it appends. */
  readonly log: Pick<EventLog, 'append' | 'appendInOrder' | 'readStream' | 'lastEvents'>;
  readonly bus: Pick<Bus, 'send' | 'broadcast' | 'listen' | 'answer' | 'offer' | 'backlog'>;
  readonly content: ContentStore;
  readonly cache: RunCache;
  /** How steps went before. */
  readonly history: Pick<StepHistoryRows, 'runsOf'>;
  readonly leases: Leases;
  readonly successesOf: SuccessesOfStep;
  readonly active: ActiveRuns;
  readonly watch: DirectiveWatch;
  readonly workspaces: StreamFolds<WorkspaceAnswers>;
  readonly programs: StepHost;
  readonly workshop: Workshop;
  readonly workers: WorkerDesk;
  readonly repositories: Repositories;
  /** Merges into one branch, one after the other. */
  readonly turns: Turns;
  readonly logger: Logger;
  readonly metrics: MetricsOf<'executor'>;
  readonly clock: Clock;
  readonly random: () => number;
  /** Makes the ids of events. */
  readonly newId: () => string;
  /** How long a program may go on when the process stops. */
  readonly leaveMs: number;
  readonly rebuild: (
    asked: { check: boolean },
    progress: (state: unknown) => void,
  ) => Promise<RebuildReport>;
}

/** The injection token of `Executor`. */
export const EXECUTOR = Symbol('executor');

export const executor: Actor = { kind: 'service', id: 'executor' };

export const metadataOf = (message: Incoming, directiveId: string): EventMetadata => ({
  commandId: message.attributes.id,
  causationId: message.attributes.id,
  correlationId: directiveId,
  actor: executor,
  traceparent: message.attributes.traceparent,
});
