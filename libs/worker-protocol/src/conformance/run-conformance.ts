/**
 * Runs a worker through all cases, one after the other, against one process of it. Owns the process and
 * the report; the NATS behind it is the caller's.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { cases, isDone, type Case, type CaseWorld } from './cases';
import { CutProxy } from './cut-proxy';
import { Orchestrator } from './orchestrator';

export interface ConformanceOptions {
  /** The worker: a program and its arguments. It finds NATS_URL, NATS_TOKEN and WRIT_WORKER. */
  readonly argv: readonly string[];
  readonly nats: { readonly host: string; readonly port: number; readonly token?: string };
  /** Under which it takes work. */
  readonly name: string;
  readonly input: unknown;
  /** What takes it several seconds; undefined: cases that need that are left out. */
  readonly slowInput: unknown;
  readonly patienceMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly finished?: (result: CaseResult) => void;
}

export interface CaseResult {
  readonly name: string;
  readonly promise: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** What is wrong, or why it was left out. */
  readonly message?: string;
  readonly durationMs: number;
}

export interface ConformanceReport {
  readonly ok: boolean;
  readonly cases: readonly CaseResult[];
  /** The last of what the worker said on stderr. */
  readonly stderr: string;
}

const HEARTBEAT_MS = 1_000;
const STDERR_CHARACTERS = 4_096;
const GRACE_MS = 2_000;

export async function runConformance(options: ConformanceOptions): Promise<ConformanceReport> {
  const { nats, name, input, slowInput, patienceMs } = options;
  const servers = `nats://${nats.host}:${nats.port}`;
  const orchestrator = await Orchestrator.connect(servers, nats.token, name, HEARTBEAT_MS);
  const proxy = await CutProxy.start(nats);
  const worker = new WorkerProcess(options, proxy.port);
  try {
    const world = { orchestrator, proxy, input, slowInput, patienceMs };
    const results: CaseResult[] = [];
    for (const it of cases) {
      const result = await runCase(it, world, worker);
      results.push(result);
      options.finished?.(result);
    }
    const ok = results.every(({ outcome }) => outcome !== 'failed');
    return { ok, cases: results, stderr: worker.stderr };
  } finally {
    await worker.stop();
    await proxy.stop();
    await orchestrator.close();
  }
}

async function runCase(it: Case, world: CaseWorld, worker: WorkerProcess): Promise<CaseResult> {
  const { name, promise } = it;
  const began = performance.now();
  const durationMs = () => Math.round(performance.now() - began);
  if (it.slow && world.slowInput === undefined) {
    const message = 'it needs work that takes some seconds: --slow-input';
    return { name, promise, outcome: 'skipped', message, durationMs: 0 };
  }
  const stands = async () => (await it.run(world)) ?? (await goesOn(world));
  const wrong = await Promise.race([stands(), worker.gone]);
  if (wrong === undefined) return { name, promise, outcome: 'passed', durationMs: durationMs() };
  worker.again(); // the next case is not to suffer from this one
  return { name, promise, outcome: 'failed', message: wrong, durationMs: durationMs() };
}

async function goesOn({ orchestrator, input, patienceMs }: CaseWorld): Promise<string | undefined> {
  const piece = await orchestrator.hand({ input });
  const wrong = await isDone(piece, patienceMs);
  return wrong && `afterwards, with ordinary work: ${wrong}`;
}

class WorkerProcess {
  stderr = '';
  private child: ChildProcess | undefined;
  /** Resolves, to the reason, when it does not run any more. */
  gone: Promise<string> = Promise.resolve('');

  constructor(
    private readonly options: ConformanceOptions,
    private readonly port: number,
  ) {
    this.start();
  }

  again(): void {
    this.child?.kill('SIGKILL');
    this.start();
  }

  async stop(): Promise<void> {
    this.child?.kill('SIGTERM');
    const timer = setTimeout(() => this.child?.kill('SIGKILL'), GRACE_MS);
    await this.gone;
    clearTimeout(timer);
  }

  private start(): void {
    const { argv, env, name, nats } = this.options;
    const [program = '', ...rest] = argv;
    const place = { NATS_URL: `nats://127.0.0.1:${this.port}`, WRIT_WORKER: name };
    const child = spawn(program, rest, {
      env: { ...env, ...place, ...(nats.token && { NATS_TOKEN: nats.token }) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.child = child;
    child.stderr.on('data', (piece: Buffer) => {
      this.stderr = (this.stderr + piece.toString('utf8')).slice(-STDERR_CHARACTERS);
    });
    this.gone = new Promise((resolve) => {
      const over = (why: string) => resolve(`the worker does not run: ${why}`);
      child.once('error', (error) => over(error.message));
      child.once('exit', (code, signal) => over(`it ended with ${signal ?? `exit code ${code}`}`));
    });
  }
}
