/**
 * Runs the program of a check to its end, or to its time limit, behind the sandbox of this machine.
 * Owns what such a program sees and may change, and what is kept of its output.
 *
 * R1 It may change its writable folders and nothing else, and reads besides them what it is given and
 *    the system's programs: as far as the sandbox level goes, which is said with its end.
 * R2 When this returns no process of it is left; when the verifier dies the warden ends them.
 * R3 All output is read and counted, secrets are taken out; of a flood only head and tail are kept.
 */
import { randomUUID } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  endMarked,
  findProgram,
  isInside,
  launcherComplaint,
  ownFoldersIn,
  placesOf,
  redactText,
  runProcess,
  Transcript,
  type Place,
  type ProcessEnd,
  type ProgramHost,
  type ProgramRun,
  type Said,
  type StopReason,
} from '@writ/programs';
import { CheckCutOff } from './verdict';

export interface ProgramSpec {
  readonly argv: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** What it finds in its environment, with a mark of ours; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** In the order in which they are laid; a later one may lie in an earlier one. */
  readonly writablePaths: readonly string[];
  readonly readOnlyPaths: readonly string[];
  /** Ends it; the call then throws. */
  readonly signal: AbortSignal;
}

export interface ProgramEnd {
  /** null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  /** stdout and stderr as they came, without secrets; of much output the head and the tail. */
  readonly output: string;
  /** The level of the sandbox. */
  readonly sandbox: string;
}

/** Throws ProgramNotStarted, CheckCutOff, or the signal's reason when that was aborted. */
export type RunProgram = (spec: ProgramSpec) => Promise<ProgramEnd>;

export class ProgramNotStarted extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ProgramNotStarted';
  }
}

/** Of the head and of the tail. */
const KEPT_BYTES = 64 * 1024;
/** Names the processes of one check, for where the sandbox does not hold them together. */
const MARK = 'WRIT_CHECK';

export const programRunner =
  (host: ProgramHost): RunProgram =>
  async (spec) => {
    spec.signal.throwIfAborted();
    const mark = randomUUID();
    const run = await compile(spec, mark, host);
    const { end, said, output } = await execute(run, spec, host);
    const { level } = host.sandbox;
    if (level === 'S0') endMarked(MARK, mark); // R2
    spec.signal.throwIfAborted();
    if (end.stoppedBy === 'lost') {
      throw new CheckCutOff('the warden ended the program of a check: this process stood still');
    }
    const failure = end.failure ?? launcherComplaint(end.exitCode, said.last.stderr)?.failure;
    if (failure !== undefined) {
      const { needles } = host;
      throw new ProgramNotStarted(redactText(failure.message, { needles, patterns: true }));
    }
    const { exitCode, signal = null, stoppedBy } = end;
    return { exitCode, signal, timedOut: stoppedBy === 'timeout', output, sandbox: level };
  };

async function compile(spec: ProgramSpec, mark: string, host: ProgramHost): Promise<ProgramRun> {
  const { argv, cwd, env, writablePaths, readOnlyPaths } = spec;
  const [name = '', ...rest] = argv;
  const program = await findProgram(name, { cwd, path: env['PATH'] ?? host.path });
  if (typeof program !== 'string') throw new ProgramNotStarted(program.message);
  const tools = [...new Set([...host.readable, ...(await placesOf(program))])];
  // One that lies in a writable folder is there already.
  const outside = tools.filter((tool) => !writablePaths.some((path) => isInside(path, tool)));
  const places: Place[] = [
    ...outside.map((path): Place => ({ kind: 'readable', path })),
    ...writablePaths.flatMap((path) => [
      { kind: 'writable', path } as const,
      ...hidden(path, host),
    ]),
    ...readOnlyPaths.map((path): Place => ({ kind: 'readable', path })),
  ];
  return { argv: [program, ...rest], cwd, env: { ...env, [MARK]: mark }, places };
}

/** Folders of ours, when the user's folder holds them. */
const hidden = (root: string, host: ProgramHost) =>
  ownFoldersIn(root, host.hidden).map((name): Place => ({
    kind: 'hidden',
    path: `${root}/${name}`,
  }));

interface Executed {
  readonly end: ProcessEnd;
  readonly said: Said;
  readonly output: string;
}

async function execute(run: ProgramRun, spec: ProgramSpec, host: ProgramHost): Promise<Executed> {
  const { sandbox, pipes, warden, graceMs, counters, needles } = host;
  const to = new PassThrough();
  const kept = buffer(to);
  kept.catch(() => undefined); // awaited only when there was an end
  const redaction = { needles, patterns: true, redacted: counters.redacted };
  const limits = { headBytes: KEPT_BYTES, tailBytes: KEPT_BYTES };
  const transcript = new Transcript({ to, redaction, ...limits });
  const stop = new AbortController();
  const leave = () => stop.abort('shutdown' satisfies StopReason);
  spec.signal.addEventListener('abort', leave, { once: true });
  if (spec.signal.aborted) leave();
  try {
    const end = await runProcess({
      ...{ launch: sandbox.launch(run), pipes, warden, graceMs, stop: stop.signal },
      take: (stream, piece) => {
        counters.wrote(stream, piece.length);
        transcript.take(stream, piece); // R3
      },
      timeoutMs: spec.timeoutMs,
      started: (seconds) => counters.started(sandbox.level, seconds),
    });
    const said = transcript.end();
    await transcript.close();
    return { end, said, output: (await kept).toString() };
  } finally {
    spec.signal.removeEventListener('abort', leave);
    to.destroy();
  }
}
