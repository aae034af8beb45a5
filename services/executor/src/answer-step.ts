/**
 * The end of a run that needs no execution: its step is answered in this process, or its result is
 * recorded in the run cache.
 */
import type { Adapter, InputBundle, RunEnded, RunWork } from '@writ/contracts';
import { redactText } from '@writ/programs';
import { adapterOf } from './adapters';
import type { InProcessAdapter } from './adapters/adapter';
import type { Executor } from './executor';
import type { CachedRun } from './run-cache/cache-table';
import type { Analysis } from './stages/analyse-step';
import { handedOut, type Outcome } from './stages/hand-out';
import { failStage, StageFailed, StageLog } from './stages/stage-log';

type Answering = InProcessAdapter<Adapter['kind']>;

/** Longer text goes into the content store as a transcript; the end of it stays in the event. */
const INLINE_CHARACTERS = 16_384;
const LAST_CHARACTERS = 4_096;

interface Prepared {
  readonly analysis: Analysis;
  readonly cacheable: boolean;
  readonly found: CachedRun | undefined;
}

export class Answer {
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
  prepare(): void {
    this.preparing ??= this.lookUp();
    this.preparing.catch(() => undefined); // it is for whoever asks for the end, if anybody does
  }

  /** Undefined when it has to be executed, or has succeeded before. */
  async end(): Promise<RunEnded | undefined> {
    try {
      return await this.answer(await (this.preparing ?? this.lookUp()));
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
    const { runId, directiveId, step, type: stepType, attempt, adapter } = this.work;
    const { version, inProcess } = adapterOf(adapter as never) as Answering;
    const { executorId, programs } = this.deps;
    return {
      ...{ runId, directiveId, step, stepType, attempt, claim: 1, executorId },
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
