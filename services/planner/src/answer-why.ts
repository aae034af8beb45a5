/**
 * Answers why a directive, a step, a run or an approval is as it is: from its stream, from the traces
 * that its work has left in the log, and from the queues in which work waits.
 */
import { consumers, DirectiveId, queries, streamOf, type Why } from '@writ/contracts';
import { askedAround, whyIs, type Directive, type Queue, type Surroundings } from '@writ/domain';
import { QueryError } from '@writ/messaging';
import type { Planner } from './planner';

const ID_CHARACTERS = 16;
/** Of so many steps that run at once the traces are looked at. */
const MOST_STREAMS = 100;

export async function answerWhy(
  deps: Pick<Planner, 'directives' | 'log' | 'bus'>,
  question: unknown,
): Promise<Why> {
  const { id } = queries.why.schema.parse(question);
  const directiveId = DirectiveId.safeParse(id.slice(0, ID_CHARACTERS));
  if (!directiveId.success) throw unknown(id);
  const { state } = await deps.directives.load(streamOf.directive(directiveId.data));
  if (state.status === 'absent') throw unknown(id);
  const found = whyIs(state, id, await lookAround(deps, state));
  if (found === undefined) throw unknown(id);
  return found;
}

const unknown = (id: string) =>
  new QueryError('not_found', `there is no directive, step, run or approval ${id}`);

async function lookAround(
  { log, bus }: Pick<Planner, 'log' | 'bus'>,
  state: Directive,
): Promise<Surroundings> {
  const { streams, subjects } = askedAround(state);
  const [events, queues] = await Promise.all([
    streams.length === 0 ? [] : log.lastEvents(streams.slice(0, MOST_STREAMS)),
    Promise.all(subjects.map((subject) => queueOf(bus, subject))),
  ]);
  return {
    last: new Map(events.map((event) => [event.stream, event])),
    queues: new Map(queues.filter((it) => it !== undefined)),
  };
}

const queues = Object.values(consumers).filter(
  ({ stream }) => stream === consumers.executorEcho.stream,
);

/** Undefined when the server does not say: what waits is told without it. */
async function queueOf(
  bus: Pick<Planner['bus'], 'backlog'>,
  subject: string,
): Promise<[string, Queue] | undefined> {
  const consumer = queues.find((it) => takes(it.subject, subject));
  if (consumer === undefined) return undefined;
  try {
    return [subject, await bus.backlog([consumer])];
  } catch {
    return undefined;
  }
}

const takes = (pattern: string, subject: string) =>
  pattern === subject || (pattern.endsWith('.>') && subject.startsWith(pattern.slice(0, -1)));
