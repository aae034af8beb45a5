/**
 * Which directives there are, by the log: true for an id that has a stream. Asked together, since it is
 * asked for those who are refused, and many at once is when there is no time for each by itself.
 */
import { streamOf } from '@writ/contracts';
import type { EventLog } from '@writ/event-log';
import { AskTogether } from '@writ/service-host';

export type KnownDirectives = AskTogether<string, boolean>;

const MOST = 1_000;

export function knownDirectives(log: Pick<EventLog, 'lastEvents'>): KnownDirectives {
  return new AskTogether(async (ids) => {
    const last = await log.lastEvents([...new Set(ids)].map(streamOf.directive));
    const found = new Set(last.map(({ stream }) => stream));
    return ids.map((id) => found.has(streamOf.directive(id)));
  }, MOST);
}
