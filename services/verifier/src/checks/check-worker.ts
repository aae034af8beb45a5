/**
 * The check `worker`: a worker of somebody's says whether it is good. Only what it says is a verdict;
 * that there was none (nobody took it, it fell silent, it refused) says nothing about the step.
 */
import { subjects, TerminalError, type Check, type EvaluateWork } from '@writ/contracts';
import type { WorkerEnd } from '@writ/worker-protocol';
import { CheckTrouble, type CheckContext, type Verdict } from './verdict';

type WorkerCheck = Extract<Check, { kind: 'worker' }>;

/** What a worker is told of the run. */
export type JudgedRun = Pick<
  EvaluateWork,
  'runId' | 'directiveId' | 'step' | 'inputs' | 'artifacts'
>;

type WorkerCheckContext = Pick<CheckContext, 'root' | 'signal' | 'workers'>;

const DEFAULT_TIMEOUT_MS = 600_000;
/** A worker that falls silent may be one that died: another one may do better. */
const TRIES = 3;

export async function checkWorker(
  check: WorkerCheck,
  context: WorkerCheckContext,
): Promise<Verdict> {
  const { worker, timeoutMs = DEFAULT_TIMEOUT_MS } = check;
  const { redact = (text: string) => text } = context.workers ?? {};
  const texts: string[] = [];
  const deadline = performance.now() + timeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    const leftMs = deadline - performance.now();
    const end = await handOut(check, context, attempt, leftMs, (text) => texts.push(text));
    context.signal.throwIfAborted();
    if (end.kind === 'silent' && attempt < TRIES) continue;
    if (end.kind !== 'answered' || end.said.kind !== 'verdict') {
      throw new CheckTrouble(redact(troubleOf(end, worker, timeoutMs)));
    }
    // Should this process die before it has written it down, all checks are made anew.
    end.recorded(true);
    const { passed, score, message = passed ? 'it is good' : 'it is not good' } = end.said;
    const whole = score === undefined ? message : `${message} (score ${score})`;
    const said = redact(whole);
    const log = redact([`the worker ${worker}:`, ...texts, whole, ''].join('\n'));
    return { outcome: passed ? 'passed' : 'failed', message: said, log };
  }
}

async function handOut(
  { worker: name, input }: WorkerCheck,
  { workers, root, signal: stop }: WorkerCheckContext,
  attempt: number,
  timeoutMs: number,
  heard: (text: string) => void,
): Promise<WorkerEnd> {
  if (workers === undefined) throw new CheckTrouble('there is no way to workers here');
  const { runId, directiveId, step, inputs, artifacts } = workers.run;
  try {
    return await workers.desk.hand({
      ...{ name, timeoutMs, stop },
      work: {
        ...{ task: 'check', runId, directiveId, step, try: attempt, inputs, input },
        attempt: Number(/\d+$/.exec(runId)?.[0] ?? 1),
        workspacePath: root,
        dependencies: artifacts.map(({ path, digest, bytes }) => ({ step, path, digest, bytes })),
      },
      progress: ({ text }) => {
        if (text !== undefined) heard(text);
      },
    });
  } catch (error) {
    if (error instanceof TerminalError) throw new CheckTrouble(error.message);
    throw error;
  }
}

function troubleOf(end: WorkerEnd, worker: string, timeoutMs: number): string {
  switch (end.kind) {
    case 'refused':
      return `the worker ${worker} refuses it: ${end.reason}`;
    case 'silent':
      return `the worker ${worker} took it and fell silent, ${TRIES} times`;
    case 'late':
      return end.taken
        ? `the worker ${worker} did not end within ${timeoutMs} ms`
        : `no worker took it from ${subjects.workerWork(worker)} within ${timeoutMs} ms; is one running?`;
    case 'stopped':
    case 'answered':
      return `the worker ${worker} gave no verdict`;
  }
}
