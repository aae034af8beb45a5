/** The events of one directive and what belongs to it in the order of the log, a page at a time. */
import { type RecordedEvent, streamOf } from '@writ/contracts';
import type { Keeper } from './keeper';

/** Of one read; a directive may hold large texts. */
const PAGE = { limit: 1_000, maxBytes: 16 * 1024 * 1024 };

/** `runIds`: of all its runs only these. */
export async function* readHistory(
  log: Pick<Keeper['log'], 'readAll'>,
  directiveId: string,
  runIds?: readonly string[],
): AsyncGenerator<RecordedEvent> {
  const runs = runIds ?? [`${directiveId}-`];
  const streamPrefixes = [
    streamOf.directive(directiveId),
    streamOf.workspace(directiveId),
    ...runs.flatMap((id) => [streamOf.run(id), streamOf.evaluation(id)]),
  ];
  for (let after = 0; ;) {
    const events = await log.readAll({ after, ...PAGE, streamPrefixes });
    if (events.length === 0) return;
    yield* events;
    after = events.at(-1)?.position ?? after;
  }
}
