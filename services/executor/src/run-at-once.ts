/**
 * Ends a run at once where nothing has to be executed: the step is answered in this process, or its
 * result is recorded. Then walks on over the steps that may follow it, as far as they end at once too.
 *
 * O1 It has no effect but its result, so it takes no claim and no lease: its end is claim and outcome
 *    in one append, and of two that race one conflicts.
 * O2 Ends are appended in order, so none stands on an end that is not the recorded one.
 * O3 A walk is short in steps (`RunWork.next`) and in time: results are not held back for long.
 */
import type { RunEnded, RunWork } from '@writ/contracts';
import { passesByItself } from '@writ/domain';
import type { Incoming } from '@writ/messaging';
import type { ActiveRun } from './active-runs';
import { isAnsweredHere } from './adapters';
import { Answer } from './answer-step';
import { metadataOf, type Executor } from './executor';
import { recordInOrder, tellAgain } from './record-run';

/** O3 */
const WALK_MS = 500;

/** False when there is something to execute: nothing is done then. */
export async function runAtOnce(
  deps: Executor,
  message: Incoming<RunWork>,
  run: ActiveRun,
): Promise<boolean> {
  const work = message.data;
  if (!mayEndAtOnce(work)) return false;
  const ends = await walk(deps, work, run);
  const metadata = metadataOf(message, work.directiveId);
  if (ends.length > 0 && (await recordInOrder(deps, ends, metadata)) > 0) return true;
  return isAnsweredHere(work.adapter) && tellAgain(deps, work.runId, message);
}

const mayEndAtOnce = (work: RunWork) =>
  isAnsweredHere(work.adapter) || (work.cache && work.workspace.spec.kind === 'none');

/** The ends of the run and of those that follow it at once; empty when it has to be executed. */
async function walk(deps: Executor, first: RunWork, { leaving }: ActiveRun): Promise<RunEnded[]> {
  const { next = [] } = first;
  const ends = new Map<string, RunEnded>();
  const foreseen = new Map<string, Answer>();
  const foresee = () => {
    for (const work of next.filter(mayEndAtOnce)) foreseen.set(work.runId, foresight(deps, work));
  };
  if (isAnsweredHere(first.adapter)) foresee(); // else it has to be seen first whether it ends at once
  const until = deps.clock.now() + WALK_MS;
  for (const work of [first, ...next]) {
    if (ends.size === 1 && foreseen.size === 0) foresee();
    if (ends.size > 0 && (leaving.aborted || deps.clock.now() > until)) break; // O3
    const given = withMade(work, ends);
    const answer = given === undefined ? foreseen.get(work.runId) : new Answer(deps, given);
    const ended = mayEndAtOnce(work) ? await (answer ?? new Answer(deps, work)).end() : undefined;
    if (ended === undefined) break;
    ends.set(ended.runId, ended);
    if (!passesByItself(work, ended)) break;
  }
  const [head, ...rest] = ends.values();
  if (head === undefined || rest.length === 0) return [...ends.values()];
  return [{ ...head, next: rest.map(({ runId }) => runId) }, ...rest];
}

/** Supposes that the steps on the way make no files; what it needs of the cache is asked together. */
function foresight(deps: Executor, work: RunWork): Answer {
  const answer = new Answer(deps, work);
  answer.prepare();
  return answer;
}

/** The work with what the steps on the way have made; undefined when they made nothing of it. */
function withMade(work: RunWork, ends: ReadonlyMap<string, RunEnded>): RunWork | undefined {
  const made = (runId: string) => ends.get(runId)?.artifacts ?? [];
  if (work.dependencies.every(({ runId }) => made(runId).length === 0)) return undefined;
  const dependencies = work.dependencies.map((it) => {
    const artifacts = ends.has(it.runId) ? made(it.runId) : it.artifacts;
    return { ...it, artifacts };
  });
  return { ...work, dependencies };
}
