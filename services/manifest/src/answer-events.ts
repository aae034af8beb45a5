/** Answers with events of the log as they are recorded, a page at a time. */
import { queries, type RecordedEvent, streamsOfDirective } from '@writ/contracts';
import { QueryError } from '@writ/messaging';
import type { Keeper } from './keeper';

/** Of one read, and of the data of all events in one answer. */
const READ_AT_ONCE = 100;
const ANSWER_BYTES = 64 * 1024 * 1024;

export interface EventPage {
  readonly events: RecordedEvent[];
  /** Of the log. When the page is not full, nothing at or before it is missing in the page. */
  readonly headPosition: number;
}

/** Fewer events than asked for means that there are no more. */
export async function answerEvents(
  { log }: Pick<Keeper, 'log'>,
  question: unknown,
): Promise<EventPage> {
  const { directiveId, after, limit } = queries.events.schema.parse(question);
  const streamPrefixes = directiveId === undefined ? undefined : streamsOfDirective(directiveId);
  const { position } = await log.head(); // first, so that no event at or before it is missed
  const events: RecordedEvent[] = [];
  let bytes = 0;
  for (let last = after; events.length < limit;) {
    const wanted = Math.min(READ_AT_ONCE, limit - events.length);
    const read = await log.readAll({ after: last, limit: wanted, streamPrefixes });
    for (const { dataText, ...event } of read) {
      bytes += dataText.length;
      events.push(event);
    }
    if (bytes > ANSWER_BYTES) {
      throw new QueryError(
        'too_large',
        `${events.length} events are ${bytes} bytes; ask for fewer`,
      );
    }
    if (read.length < wanted) break;
    last = read.at(-1)?.position ?? last;
  }
  return { events, headPosition: Math.max(position, events.at(-1)?.position ?? 0) };
}
