/**
 * Runs a step that is answered in this process. It has no effect but its result, so it needs no
 * claim and no lease: its end is claim and outcome in one append, and of two that race one conflicts.
 */
import type { Adapter, InputBundle, RunEnded, RunWork } from '@writ/contracts';
import type { Incoming } from '@writ/messaging';
import { redactText } from '@writ/programs';
import type { ActiveRun } from './active-runs';
import { adapterOf } from './adapters';
import type { InProcessAdapter } from './adapters/adapter';
import { metadataOf, type Executor } from './executor';
import { recordAtOnce, tellAgain } from './record-run';
import { failStage, StageFailed, StageLog } from './stages/stage-log';
import { handedOut, type Outcome } from './stages/hand-out';

type Answering = InProcessAdapter<Adapter['kind']>;

/** Longer text goes into the content store as a transcript; the end of it stays in the event. */
const INLINE_CHARACTERS = 16_384;
const LAST_CHARACTERS = 4_096;

export async function runInProcess(
  deps: Executor,
  message: Incoming<RunWork>,
  run: ActiveRun,
): Promise<void> {
  const work = message.data;
  const answering = new Answer(deps, work, run);
  let recorded = false;
  try {
    const ended = await answering.end();
    const metadata = metadataOf(message, work.directiveId);
    recorded = ended !== undefined && (await recordAtOnce(deps, ended, metadata));
  } finally {
    await answering.release();
  }
  if (recorded || (await tellAgain(deps, work.runId, message))) return;
  throw new Error(`run ${work.runId} has begun, and an ${work.adapter.kind} step never claims`);
}

class Answer {
  private readonly began: number;
  private readonly stages: StageLog;
  private readonly adapter: Answering;
  private bundle: InputBundle | undefined;

  constructor(
    private readonly deps: Executor,
    private readonly work: RunWork,
    private readonly run: ActiveRun,
  ) {
    this.began = deps.clock.now();
    this.stages = new StageLog(() => deps.clock.time());
    this.adapter = adapterOf(work.adapter as never) as unknown as Answering;
  }

  /** Undefined when the run has succeeded before. */
  async end(): Promise<RunEnded | undefined> {
    try {
      return await this.answer();
    } catch (error) {
      if (!(error instanceof StageFailed)) throw error;
      return this.ended({ result: 'failed', error: error.error, exitCode: null, artifacts: [] });
    }
  }

  /** Lets others with the same bundle go on, unless the success is on record. */
  async release(): Promise<void> {
    if (this.bundle !== undefined) await this.deps.cache.failed(this.bundle.hash, this.work.runId);
  }

  private async answer(): Promise<RunEnded | undefined> {
    const { deps, work, stages } = this;
    const analysis = await stages.run('analysis', () => deps.workshop.analyse(work));
    const { bundle, comparable, start: commit } = analysis;
    this.bundle = bundle;
    const cacheable = work.cache && comparable;
    if (cacheable) {
      const asked = { reserve: false, signal: this.run.leaving };
      const found = await deps.cache.find(bundle.hash, work.runId, asked);
      deps.metrics.cacheLookups.inc({ result: found.hit ? 'hit' : 'miss' });
      if (found.hit && found.runId === work.runId) return undefined;
      if (found.hit) {
        stages.skip('compilation', 'processing');
        return this.ended({ ...handedOut(found), commit });
      }
    } else deps.metrics.cacheLookups.inc({ result: 'off' });
    stages.skip('compilation');
    const result = await stages.run('processing', async () => {
      const [declared] = work.outputs;
      if (declared === undefined) return this.adapter.answer(work.adapter as never);
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
    return {
      ...{ runId, directiveId, step, attempt, claim: 1, executorId: this.deps.executorId },
      adapter: { kind: adapter.kind, version: this.adapter.version },
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
