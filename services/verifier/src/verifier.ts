/** What the verifier's reactions share. */
import type { Actor, Clock, EvaluationEvent } from '@writ/contracts';
import type { ContentStore } from '@writ/content-store';
import type { CompleteEvaluation, EvaluationState } from '@writ/domain';
import type { Aggregates, EventLog } from '@writ/event-log';
import type { Bus } from '@writ/messaging';
import type { Logger, MetricsOf } from '@writ/observability';
import type { ReadModels } from '@writ/service-host';
import type { WorkerDesk } from '@writ/worker-protocol';
import type { RunProgram } from './checks/run-program';
import type { Ask } from './checks/verdict';
import type { ReadRepository } from './detection/repository-files';
import type { OpenSnapshot } from './snapshots/open-snapshot';
import type { ScratchFolders } from './snapshots/scratch-folders';

export type Evaluations = Aggregates<EvaluationState, CompleteEvaluation, EvaluationEvent>;

export interface Verifier {
  readonly evaluations: Evaluations;
  readonly log: Pick<EventLog, 'lastEvents'>;
  readonly bus: Pick<Bus, 'send'>;
  readonly content: ContentStore;
  readonly folders: Pick<ScratchFolders, 'make' | 'makeWith' | 'remove'>;
  readonly openSnapshot: OpenSnapshot;
  readonly runProgram: RunProgram;
  readonly ask: Ask;
  readonly workers: WorkerDesk;
  readonly readRepository: ReadRepository;
  /** Takes secrets out of what is kept. */
  readonly redact: (text: string) => string;
  /** What every program finds in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly logger: Logger;
  readonly metrics: MetricsOf<'verifier'>;
  readonly clock: Clock;
  /** The runs that this process evaluates now. */
  readonly underWay: Set<string>;
  readonly rebuild: ReadModels['rebuild'];
}

/** The injection token of `Verifier`. */
export const VERIFIER = Symbol('verifier');

export const verifier: Actor = { kind: 'service', id: 'verifier' };
