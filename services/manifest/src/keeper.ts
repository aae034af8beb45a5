/** What the reactions of the manifest service share: it keeps the record. */
import type { ContentStore } from '@writ/content-store';
import type { EventLog, VerifyLogOptions } from '@writ/event-log';
import type { Logger, MetricsOf } from '@writ/observability';
import type { ReadModels } from '@writ/service-host';
import type { Uploads } from './uploads';

export interface Keeper {
  readonly log: Pick<EventLog, 'head' | 'lastEvents' | 'readAll'>;
  /** Everything by digest, whichever store it lies in. */
  readonly content: ContentStore;
  readonly uploads: Uploads;
  /** Resolves when everything that was due by now is sealed, or cannot be in time. */
  readonly sealedUpToNow: () => Promise<void>;
  /** Where the log is and what it was signed with. */
  readonly verification: Pick<VerifyLogOptions, 'url' | 'checkpoints'>;
  readonly rebuild: ReadModels['rebuild'];
  readonly logger: Logger;
  readonly metrics: MetricsOf<'manifest'>;
}

/** The injection token of `Keeper`. */
export const KEEPER = Symbol('keeper');
