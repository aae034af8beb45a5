/** What the executor's reactions share. */
import type { ContentStore } from '@writ/content-store';
import type { Actor, EventMetadata, RebuildReport, RunEvent } from '@writ/contracts';
import type { RunCommand, RunState } from '@writ/domain';
import type { Aggregates, EventLog } from '@writ/event-log';
import type { Bus, Incoming } from '@writ/messaging';
import type { Logger, MetricsOf } from '@writ/observability';
import type { ActiveRuns } from './active-runs';
import type { DirectiveWatch } from './directive-watch';
import type { Leases } from './leases/leases';
import type { ProgramHost } from './program-host';
import type { RunCache } from './run-cache/run-cache';

export type Runs = Aggregates<RunState, RunCommand, RunEvent>;

export interface Executor {
  /** Of this process. */
  readonly executorId: string;
  readonly runs: Runs;
  /** Publishes what it appends. */
  readonly log: Pick<EventLog, 'append' | 'readStream' | 'lastEvents'>;
  readonly bus: Pick<Bus, 'send' | 'broadcast' | 'listen'>;
  readonly content: ContentStore;
  readonly cache: RunCache;
  readonly leases: Leases;
  readonly active: ActiveRuns;
  readonly watch: DirectiveWatch;
  readonly programs: ProgramHost;
  readonly logger: Logger;
  readonly metrics: MetricsOf<'executor'>;
  /** RFC 3339, for records; never compared with another clock. */
  readonly time: () => string;
  readonly random: () => number;
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
