/**
 * Seals what is due: the manifest as canonical JSON into the content store, then its digest as
 * `ManifestSealed` into the log. It follows the log like a read model, with the log itself as what
 * it writes to.
 *
 * S1 What is due, and with which bytes, follows from the log alone (`manifest-account.ts`): a batch
 *    that is repeated after a crash seals the same again.
 * S2 The follower's checkpoint moves when all seals of a batch are in the log, so none is missed.
 * S3 A subject is sealed once, at version 1 of its stream; a seal that is there already stands.
 * S4 Runs are sealed before the directives that name them.
 */
import {
  type Actor,
  canonicalJson,
  type Clock,
  type DirectiveManifest,
  directiveIdOf,
  type ManifestSealed,
  type RecordedEvent,
  type RunManifest,
  streamOf,
  systemClock,
  VersionConflict,
} from '@writ/contracts';
import type { ContentStore, StoredContent } from '@writ/content-store';
import { ACCOUNT_STREAMS, type Due, directiveManifest, runManifest } from '@writ/domain';
import { type EventLog, type Projection, uuidV7 } from '@writ/event-log';
import type { MetricsOf } from '@writ/observability';
import type { EntityManager } from 'typeorm';
import { Accounts } from './accounts';

export interface SealingOptions {
  readonly log: Pick<EventLog, 'append' | 'lastEvents' | 'readAll'>;
  readonly content: Pick<ContentStore, 'putMany'>;
  readonly engineVersion: string;
  readonly metrics: Pick<MetricsOf<'manifest'>, 'sealed' | 'sealSeconds' | 'contentBytes'>;
  readonly clock?: Clock;
  /** Makes the ids of events. Default: UUID version 7. */
  readonly newId?: () => string;
}

/** The checkpoint's transaction: idle for too long, the database would end it. */
type Transaction = Pick<EntityManager, 'query'>;

/** Sealed at a time. */
const PORTION = 200;

const keeper: Actor = { kind: 'service', id: 'manifest' };

interface Draft {
  readonly kind: ManifestSealed['kind'];
  readonly id: string;
  readonly manifest: RunManifest | DirectiveManifest;
  /** The event with which it became due. */
  readonly cause: RecordedEvent;
}

export class Sealing {
  readonly projection: Projection = {
    name: 'sealing',
    schema: 'manifest',
    tables: [],
    streamPrefixes: ACCOUNT_STREAMS,
    apply: (events, tx) => this.apply(events, tx),
  };
  private readonly accounts: Accounts;

  constructor(private readonly options: SealingOptions) {
    this.accounts = new Accounts(options.log);
  }

  /** To be called when the following was interrupted: events may come again, or may be missing. */
  interrupted(): void {
    this.accounts.forget();
  }

  private async apply(events: readonly RecordedEvent[], tx: Transaction): Promise<void> {
    try {
      const due: Due[] = [];
      for (const event of events) due.push(...(await this.accounts.take(event)));
      await this.seal(
        due.flatMap((it) => this.draftOfRun(it)),
        tx,
      );
      await this.seal(await this.draftsOfDirectives(due), tx); // S4
    } catch (error) {
      this.interrupted();
      throw error;
    }
  }

  private draftOfRun(due: Due): Draft[] {
    if (due.kind !== 'run') return [];
    const { id, sources } = due;
    const manifest = runManifest(sources, this.options.engineVersion);
    return [{ kind: 'run', id, manifest, cause: sources.closed }];
  }

  /** The seals of all their runs stand in the log by now. */
  private async draftsOfDirectives(due: readonly Due[]): Promise<Draft[]> {
    const directives = due.filter((it) => it.kind === 'directive');
    if (directives.length === 0) return [];
    const streams = directives.flatMap(({ runIds }) => runIds.map(streamOf.manifest));
    const seals = await this.options.log.lastEvents(streams);
    const digestOf = new Map(
      seals.map(({ data }) => {
        const { subjectId, digest } = data as ManifestSealed;
        return [subjectId, digest];
      }),
    );
    const sealOf = (runId: string) => {
      const digest = digestOf.get(runId);
      if (digest !== undefined) return [runId, digest] as const;
      throw new Error(`the manifest of ${runId} is due and its seal is not in the log`); // S4
    };
    return directives.map(({ id, directive, ended, runIds }) => {
      const manifestDigests = new Map(runIds.map(sealOf));
      const sources = { directive, ended, manifestDigests };
      const manifest = directiveManifest(sources, this.options.engineVersion);
      return { kind: 'directive', id, manifest, cause: ended };
    });
  }

  private async seal(drafts: readonly Draft[], tx: Transaction): Promise<void> {
    for (let from = 0; from < drafts.length; from += PORTION) {
      await this.sealPortion(drafts.slice(from, from + PORTION));
      await tx.query('select 1');
    }
  }

  private async sealPortion(drafts: readonly Draft[]): Promise<void> {
    const { content, metrics, clock = systemClock } = this.options;
    const began = clock.now();
    const texts = drafts.map(({ manifest }) => Buffer.from(canonicalJson(manifest)));
    const stored = await content.putMany(texts);
    await Promise.all(
      drafts.map(async (draft, index) => {
        const { digest, bytes } = stored[index] as StoredContent;
        if (!(await this.record(draft, digest, bytes))) return;
        metrics.sealed.inc({ subject: draft.kind });
        metrics.contentBytes.inc(bytes);
      }),
    );
    metrics.sealSeconds.observe((clock.now() - began) / 1000);
  }

  /** False when it is sealed already (S3). */
  private async record(draft: Draft, digest: string, bytes: number): Promise<boolean> {
    const { kind, id, cause } = draft;
    const directiveId = kind === 'run' ? directiveIdOf(id) : id;
    const data: ManifestSealed = { kind, subjectId: id, directiveId, digest, bytes };
    const metadata = {
      commandId: `seal-${id}`,
      correlationId: directiveId,
      causationId: cause.id,
      actor: keeper,
      traceparent: cause.metadata.traceparent,
    };
    const { newId = uuidV7 } = this.options;
    const event = { id: newId(), type: 'ManifestSealed', schemaVersion: 1, data, metadata };
    try {
      const stream = streamOf.manifest(id);
      await this.options.log.append({ stream, expectedVersion: 0, events: [event] });
      return true;
    } catch (error) {
      if (error instanceof VersionConflict) return false;
      throw error;
    }
  }
}
