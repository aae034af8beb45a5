/**
 * The read models of this service: `manifest.manifest`, what is sealed, and `manifest.reference`,
 * which content something refers to, so that one can tell who needs it and what nobody needs.
 */
import type {
  DirectiveEventData,
  EvaluationCompleted,
  ManifestSealed,
  RecordedEvent,
  RunEnded,
} from '@writ/contracts';
import type { Projection } from '@writ/event-log';
import type { EntityManager } from 'typeorm';

export const manifestRows: Projection = {
  name: 'manifest',
  schema: 'manifest',
  tables: ['manifest', 'reference'],
  types: ['DirectiveCreated', 'RunEnded', 'EvaluationCompleted', 'ManifestSealed'],
  apply: async (events, tx) => {
    await insertManifests(events, tx);
    await insertReferences(events, tx);
  },
};

async function insertManifests(events: readonly RecordedEvent[], tx: EntityManager): Promise<void> {
  const sealed = events.filter((event) => event.type === 'ManifestSealed');
  if (sealed.length === 0) return;
  const column = <T>(pick: (data: ManifestSealed, event: RecordedEvent) => T) =>
    sealed.map((event) => pick(event.data as ManifestSealed, event));
  await tx.query(
    `insert into manifest (id, kind, directive_id, digest, sealed_at, position)
     select * from unnest(
       $1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[])`,
    [
      column(({ subjectId }) => subjectId),
      column(({ kind }) => kind),
      column(({ directiveId }) => directiveId),
      column(({ digest }) => digest),
      column((_, { recordedAt }) => recordedAt),
      column((_, { position }) => position),
    ],
  );
}

/** The owner is the stream whose event names the content. */
async function insertReferences(
  events: readonly RecordedEvent[],
  tx: EntityManager,
): Promise<void> {
  const digests: string[] = [];
  const owners: string[] = [];
  for (const event of events) {
    for (const digest of digestsIn(event)) {
      digests.push(digest);
      owners.push(event.stream);
    }
  }
  if (digests.length === 0) return;
  await tx.query(
    `insert into reference (digest, owner) select * from unnest($1::text[], $2::text[])
     on conflict do nothing`,
    [digests, owners],
  );
}

function digestsIn({ type, data }: RecordedEvent): string[] {
  switch (type) {
    case 'DirectiveCreated': {
      const { steps } = data as DirectiveEventData<'DirectiveCreated'>;
      return steps.flatMap(({ inputs }) => inputs.map(({ digest }) => digest));
    }
    case 'RunEnded': {
      const { artifacts, transcript } = data as RunEnded;
      return [...artifacts.map(({ digest }) => digest), ...(transcript ? [transcript] : [])];
    }
    case 'EvaluationCompleted':
      return (data as EvaluationCompleted).checks.flatMap(({ logDigest }) => logDigest ?? []);
    case 'ManifestSealed':
      return [(data as ManifestSealed).digest];
    default:
      return [];
  }
}
