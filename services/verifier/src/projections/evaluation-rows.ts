/** What the verifier has judged, one row for each run: the read model `verifier.evaluation`. */
import type { EvaluationCompleted, RecordedEvent } from '@writ/contracts';
import type { Projection } from '@writ/event-log';
import type { EntityManager } from 'typeorm';

export const evaluationRows: Projection = {
  name: 'evaluation',
  schema: 'verifier',
  tables: ['evaluation'],
  streamPrefixes: ['evaluation-'],
  apply: applyToRows,
};

const insert = `insert into evaluation (run_id, directive_id, step, level, score, position)
  select * from unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::double precision[], $6::bigint[])`;

async function applyToRows(events: readonly RecordedEvent[], tx: EntityManager): Promise<void> {
  const completed = events.filter((event) => event.type === 'EvaluationCompleted');
  const column = <T>(pick: (data: EvaluationCompleted, event: RecordedEvent) => T) =>
    completed.map((event) => pick(event.data as EvaluationCompleted, event));
  await tx.query(insert, [
    column(({ runId }) => runId),
    column(({ directiveId }) => directiveId),
    column(({ step }) => step),
    column(({ confidence }) => confidence.level),
    column(({ confidence }) => confidence.score),
    column((_, { position }) => position),
  ]);
}
