/**
 * One try of a step that a worker carries out: hands it out, takes what the worker says into the
 * transcript and its files into the workspace, and tells how it ended, in the words of the run.
 */
import { subjects, TerminalError, type RunError, type WorkerResult } from '@writ/contracts';
import { redactText, type Transcript } from '@writ/programs';
import type { WorkerDesk, WorkerEnd } from '@writ/worker-protocol';
import { InsideFolder, PathRefused } from '../workspaces/inside-folder';
import type { AdapterOf } from '../adapters/adapter';
import type { StepHost } from '../open-programs';
import type { Execution } from './execute-step';
import { cancellation, lost, type Tried } from './process-step';

export interface WorkerTools {
  readonly workers: WorkerDesk;
  readonly programs: Pick<StepHost, 'needles' | 'counters'>;
  readonly transcript: Transcript;
}

/** Throws RunLost. */
export async function tryWorker(
  task: Execution,
  adapter: AdapterOf<'worker'>,
  attempt: number,
  tools: WorkerTools,
): Promise<Tried> {
  const { work, run, laid } = task;
  const { transcript } = tools;
  const began = performance.now();
  transcript.begin(`${work.runId}, try ${attempt}, worker ${adapter.name}`);
  const end = await handOut(task, adapter, attempt, tools);
  const { stoppedBy } = run;
  if (end instanceof TerminalError) {
    return ended({ kind: 'invalid', code: 'input_too_large', message: end.message });
  }
  if (end.kind === 'stopped' && stoppedBy !== 'cancelled') throw lost(work, run);
  if (end.kind !== 'answered' || end.said.kind !== 'result') return ended(troubleOf(end));
  run.onRecord(end.recorded);
  const { said } = end;
  // Whether it is worth another try is told by what a failed step says: `Retry.messages`.
  if (said.outcome === 'failed' && said.message !== undefined) {
    transcript.take('stderr', Buffer.from(`${said.message}\n`));
  }
  const error = failureOf(said) ?? (await layFiles(said, laid.root));
  const { usage, artifacts } = said;
  const metadata = said.metadata && (redacted(said.metadata, tools) as typeof said.metadata);
  return { ...ended(error), usage, metadata, reported: artifacts.map(({ path }) => path) };

  function ended(error?: RunError): Tried {
    const said = transcript.end();
    const clean = error && { ...error, message: redactOne(error.message, tools) };
    transcript.note(clean?.message ?? `the worker ${adapter.name} is done`);
    const durationMs = performance.now() - began;
    return { end: { exitCode: null, durationMs }, error: clean, reported: [], said };
  }

  function troubleOf(end: WorkerEnd): RunError {
    const subject = subjects.workerWork(adapter.name);
    switch (end.kind) {
      case 'stopped':
        return cancellation();
      case 'refused': {
        const message = `the worker ${adapter.name} refuses it: ${end.reason}`;
        return { kind: 'invalid', code: 'worker_refused', message };
      }
      case 'silent': {
        const message = `the worker ${adapter.name} took it and fell silent`;
        return { kind: 'infrastructure', code: 'worker_silent', message };
      }
      case 'late': {
        const message = end.taken
          ? `the worker ${adapter.name} did not end within ${work.timeoutMs} ms`
          : `no worker took it from ${subject} within ${work.timeoutMs} ms; is one running?`;
        return { kind: 'timeout', code: end.taken ? 'timed_out' : 'no_worker', message };
      }
      case 'answered':
        return { kind: 'invalid', code: 'worker_refused', message: 'it answered with no result' };
    }
  }
}

async function handOut(
  { work, run, claim, laid }: Execution,
  { name, input }: AdapterOf<'worker'>,
  attempt: number,
  { workers, programs, transcript }: WorkerTools,
): Promise<WorkerEnd | TerminalError> {
  const { runId, directiveId, step, workspace } = work;
  try {
    return await workers.hand({
      name,
      handing: `c${claim}t${attempt}`,
      timeoutMs: work.timeoutMs,
      stop: run.stop,
      work: {
        ...{ task: 'step', runId, directiveId, step, attempt: work.attempt, try: attempt },
        workspacePath: workspace.spec.kind === 'none' ? undefined : laid.root,
        inputs: work.inputs,
        dependencies: work.dependencies.flatMap(({ step: from, artifacts }) =>
          artifacts.map(({ path, digest, bytes }) => ({ step: from, path, digest, bytes })),
        ),
        input,
      },
      progress: ({ percent, text }) => {
        if (percent !== undefined) transcript.note(`${percent} %`);
        if (text === undefined) return;
        const bytes = Buffer.from(text.endsWith('\n') ? text : `${text}\n`);
        programs.counters.wrote('stdout', bytes.length);
        transcript.take('stdout', bytes);
      },
    });
  } catch (error) {
    if (error instanceof TerminalError) return error;
    throw error;
  }
}

function failureOf({ outcome, message }: WorkerResult): RunError | undefined {
  if (outcome === 'success') return undefined;
  return { kind: 'exit', code: 'worker_failed', message: message ?? 'the worker says it failed' };
}

async function layFiles({ artifacts }: WorkerResult, root: string): Promise<RunError | undefined> {
  const folder = new InsideFolder(root);
  try {
    for (const { path, content, executable } of artifacts) {
      await folder.write(path, [Buffer.from(content, 'base64')], { executable });
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof PathRefused)) throw error;
    return { kind: 'output', code: error.code, message: error.message };
  }
}

const redactOne = (text: string, { programs }: Pick<WorkerTools, 'programs'>) =>
  redactText(text, { ...redactionOf(programs) });

const redactionOf = ({ needles, counters }: WorkerTools['programs']) => ({
  needles,
  redacted: counters.redacted,
  patterns: true,
});

/** The same with the texts in it redacted, names of members too. */
function redacted(value: unknown, tools: Pick<WorkerTools, 'programs'>): unknown {
  if (typeof value === 'string') return redactOne(value, tools);
  if (Array.isArray(value)) return value.map((it) => redacted(it, tools));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, it]) => [redactOne(name, tools), redacted(it, tools)]),
  );
}
