/** Reads a directive as it stood at a position, for another one that begins there. */
import { isRefusal, streamOf, type DirectiveCommandData, type Refusal } from '@writ/contracts';
import { directiveDecider, forkOf, type DirectiveCommand, type DirectiveState } from '@writ/domain';
import type { EventLog } from '@writ/event-log';
import { digestOf, type Planner } from './planner';

const PAGE = 1_000;

export async function toFork(
  { log }: Pick<Planner, 'log'>,
  commandId: string,
  directiveId: string,
  data: DirectiveCommandData<'fork'>,
): Promise<Extract<DirectiveCommand, { type: 'create' }> | Refusal> {
  const { from, at, changes, chain, start } = data;
  const state = await stateAt(log, from, at);
  if (state.status === 'absent') {
    const where = at === undefined ? '' : ` at position ${at}`;
    return { refused: 'not_found', message: `there is no directive ${from}${where}` };
  }
  const forked = forkOf(state, state.position, { changes, chain });
  if (isRefusal(forked)) return forked;
  // Where it stood is not part of what is asked: the same command again may find it further on.
  const contentDigest = digestOf({ from, at: at ?? null, changes, chain, start });
  return { type: 'create', commandId, directiveId, ...forked, contentDigest, start };
}

/** Folded from its events up to a position, or all. */
async function stateAt(
  log: Pick<EventLog, 'readStream'>,
  id: string,
  at = Infinity,
): Promise<DirectiveState> {
  let state = directiveDecider.initial;
  for (let afterVersion = 0; ; afterVersion += PAGE) {
    const page = await log.readStream(streamOf.directive(id), { afterVersion, limit: PAGE });
    for (const event of page) {
      if (event.position > at) return state;
      state = directiveDecider.evolve(state, event);
    }
    if (page.length < PAGE) return state;
  }
}
