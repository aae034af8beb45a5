/** A directive as it was: its events up to a position of the log or a time, folded as ever. */
import { streamOf, type Moment, type RecordedEvent } from '@writ/contracts';
import { evolveDirective, type Directive, type DirectiveState } from '@writ/domain';
import type { EventLog } from '@writ/event-log';
import { QueryError } from '@writ/messaging';

const PAGE = 10_000;

export interface History {
  readonly directive: Directive;
  /** From its creation on. */
  readonly events: readonly RecordedEvent[];
}

/** `at` undefined: as it is now. Throws QueryError for a moment at which there is no such thing. */
export async function readHistory(
  log: Pick<EventLog, 'readStream' | 'head'>,
  id: string,
  at?: Moment,
): Promise<History> {
  await refuseFuture(log, id, at);
  const events: RecordedEvent[] = [];
  let state: DirectiveState = { status: 'absent' };
  let first: RecordedEvent | undefined;
  for (let afterVersion = 0; ; afterVersion += PAGE) {
    const page = await log.readStream(streamOf.directive(id), { afterVersion, limit: PAGE });
    first ??= page[0];
    const until = page.filter((event) => !isAfter(event, at));
    for (const event of until) state = evolveDirective(state, event);
    for (const event of until) events.push(event);
    if (page.length < PAGE || until.length < page.length) break;
  }
  if (state.status !== 'absent') return { directive: state, events };
  if (first === undefined) throw new QueryError('not_found', `there is no directive ${id}`);
  const when = `at position ${first.position}, ${first.recordedAt}`;
  throw new QueryError('not_found', `directive ${id} was created later: ${when}`);
}

const isAfter = ({ position, recordedAt }: RecordedEvent, at: Moment | undefined): boolean => {
  if (at === undefined) return false;
  return typeof at === 'number' ? position > at : microseconds(recordedAt) > microseconds(at);
};

async function refuseFuture(
  log: Pick<EventLog, 'head'>,
  id: string,
  at: Moment | undefined,
): Promise<void> {
  if (typeof at !== 'number') return;
  const { position } = await log.head();
  if (at <= position) return;
  throw new QueryError(
    'not_found',
    `directive ${id} has no position ${at}: the log ends at ${position}`,
  );
}

/** Times of the log have six digits behind the point, which `Date` would cut off. */
function microseconds(time: string): number {
  const [, fraction = ''] = /\.(\d+)/.exec(time) ?? [];
  return Date.parse(time) * 1_000 + Number(fraction.padEnd(6, '0').slice(3, 6));
}
