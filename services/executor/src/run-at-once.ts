/**
 * Ends a run at once where nothing has to be executed: the step is answered in this process, or its
 * result is recorded. Then goes on with the steps that may follow it, as far as they end at once too.
 *
 * O1 It has no effect but its result, so it takes no claim and no lease: its end is claim and outcome
 *    in one append, and of two that race one conflicts.
 * O2 Ends are appended in order, so none stands on an end that is not the recorded one.
 * O3 A walk is short in steps (`RunWork.next`) and in time: results are not held back for long.
 */
import type { Adapter, InputBundle, RunEnded, RunWork } from '@writ/contracts';
import { passesByItself } from '@writ/domain';
import type { Incoming } from '@writ/messaging';
import { redactText } from '@writ/programs';
import type { ActiveRun } from './active-runs';
import { adapterOf, commandOf } from './adapters';
import type { InProcessAdapter } from './adapters/adapter';
import { metadataOf, type Executor } from './executor';
import { recordInOrder, tellAgain } from './record-run';
import type { CachedRun } from './run-cache/cache-table';
import type { Analysis } from './stages/analyse-step';
import { handedOut, type Outcome } from './stages/hand-out';
import { failStage, StageFailed, StageLog } from './stages/stage-log';

type Answering = InProcessAdapter<Adapter['kind']>;

/** Longer text goes into the content store as a transcript; the end of it stays in the event. */
const INLINE_CHARACTERS = 16_384;
const LAST_CHARACTERS = 4_096;
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
  return commandOf(work.adapter) === undefined && tellAgain(deps, work.runId, message);
}

function mayEndAtOnce({ adapter, cache, workspace }: RunWork): boolean {
  return commandOf(adapter) === undefined || (cache && workspace.spec.kind === 'none');
}

/** The ends of the run and of those that follow it at once; empty when it has to be executed. */
async function walk(deps: Executor, first: RunWork, { leaving }: ActiveRun): Promise<RunEnded[]> {
  const answers = new Map([[first.runId, new Answer(deps, first)]]);
  const ends: RunEnded[] = [];
  const made = new Map<string, RunEnded['artifacts']>();
  const until = deps.clock.now() + WALK_MS;
  const foresee = () => {
    for (const work of first.next ?? []) {
      if (mayEndAtOnce(work)) answers.set(work.runId, new Answer(deps, work));
    }
    for (const answer of answers.values()) answer.prepare();
  };
  if (isAnsweredHere(first)) foresee(); // else whether it ends at once has to be seen first
  for (const work of [first, ...(first.next ?? [])]) {
    if (ends.length > 0 && (leaving.aborted || deps.clock.now() > until)) break; // O3
    const dependencies = work.dependencies.map((it) => {
      return { ...it, artifacts: made.get(it.runId) ?? it.artifacts };
    });
    const isAsForeseen = dependencies.every(({ runId }) => !made.get(runId)?.length);
    const answer = isAsForeseen
      ? answers.get(work.runId)
      : mayEndAtOnce(work) && new Answer(deps, { ...work, dependencies });
    const ended = answer && (await answer.end());
    if (!ended) break;
    ends.push(ended);
    made.set(ended.runId, ended.artifacts);
    if (!passesByItself(work.verify, ended)) break;
    if (ends.length === 1 && answers.size === 1) foresee();
  }
  const [head, ...rest] = ends;
  if (head === undefined || rest.length === 0) return ends;
  return [{ ...head, next: rest.map(({ runId }) => runId) }, ...rest];
}

const isAnsweredHere = ({ adapter }: RunWork) => commandOf(adapter) === undefined;

interface Prepared {
  readonly analysis: Analysis;
  readonly cacheable: boolean;
  readonly found: CachedRun | undefined;
}

class Answer {
  private readonly began: number;
  private readonly stages: StageLog;
  private readonly adapter: Answering | undefined;
  private preparing: Promise<Prepared> | undefined;
  private bundle: InputBundle | undefined;

  constructor(
    private readonly deps: Executor,
    private readonly work: RunWork,
  ) {
    this.began = deps.clock.now();
    this.stages = new StageLog(() => deps.clock.time());
    const adapter = adapterOf(work.adapter as never) as unknown as Answering;
    this.adapter = adapter.inProcess ? adapter : undefined;
  }

  /** Begins with what can be known before it is its turn: those of one walk ask the cache together. */
  prepare(): Promise<Prepared> {
    if (this.preparing === undefined) {
      this.preparing = this.lookUp();
      this.preparing.catch(() => undefined); // it is for whoever takes the end, if anybody does
    }
    return this.preparing;
  }

  /** Undefined when it has to be executed, or has succeeded before. */
  async end(): Promise<RunEnded | undefined> {
    try {
      return await this.answer(await this.prepare());
    } catch (error) {
      if (!(error instanceof StageFailed)) throw error;
      if (this.adapter === undefined) return undefined; // it is told when it is executed
      return this.ended({ result: 'failed', error: error.error, exitCode: null, artifacts: [] });
    }
  }

  private async lookUp(): Promise<Prepared> {
    const { deps, work, stages } = this;
    const analysis = await stages.run('analysis', () => deps.workshop.analyse(work));
    this.bundle = analysis.bundle;
    const cacheable = work.cache && analysis.comparable;
    const found = cacheable ? await deps.cache.look(analysis.bundle.hash, work.runId) : undefined;
    return { analysis, cacheable, found };
  }

  private async answer(prepared: Prepared): Promise<RunEnded | undefined> {
    const { deps, work, stages, adapter } = this;
    const { analysis, cacheable, found } = prepared;
    const { start: commit } = analysis;
    if (found?.runId === work.runId) return undefined;
    if (found !== undefined) {
      deps.metrics.cacheLookups.inc({ result: 'hit' });
      stages.skip('compilation', 'processing');
      return this.ended({ ...handedOut(found), commit });
    }
    if (adapter === undefined) return undefined;
    deps.metrics.cacheLookups.inc({ result: cacheable ? 'miss' : 'off' });
    stages.skip('compilation');
    const result = await stages.run('processing', async () => {
      const [declared] = work.outputs;
      if (declared === undefined) return adapter.answer(work.adapter as never);
      const text = `an ${work.adapter.kind} step makes no files, and ${declared} is declared`;
      throw failStage('output', 'output_missing', text);
    });
    const { exitCode, artifacts } = result;
    return this.ended({
      ...{ result: 'success', exitCode, artifacts: [...artifacts], commit },
      ...(cacheable ? {} : { cacheable: false }),
      ...(await keep(deps, result.stdout)),
    });
  }

  private ended(outcome: Outcome): RunEnded {
    const { runId, directiveId, step, attempt, adapter } = this.work;
    const { version, inProcess } = adapterOf(adapter as never) as Answering;
    const { executorId, programs } = this.deps;
    return {
      ...{ runId, directiveId, step, attempt, claim: 1, executorId },
      adapter: { kind: adapter.kind, version },
      ...(inProcess ? {} : { sandbox: programs.sandbox.level }),
      bundle: this.bundle,
      stages: this.stages.records,
      attempts: [],
      durationMs: Math.round(this.deps.clock.now() - this.began),
      ...outcome,
    };
  }
}

async function keep(
  { content, programs }: Executor,
  stdout: string,
): Promise<Pick<RunEnded, 'stdout' | 'transcript'>> {
  if (stdout === '') return {};
  const { needles, counters } = programs;
  const { redacted } = counters;
  const text = redactText(stdout, { needles, redacted, patterns: true });
  if (text.length <= INLINE_CHARACTERS) return { stdout: text };
  const { digest } = await content.put(Buffer.from(text, 'utf8'));
  return { stdout: text.slice(-LAST_CHARACTERS), transcript: digest };
}
