/**
 * The machine of the simulated world: the programs that steps start on it, whatever becomes of whoever
 * started them, and the witness, which no service writes: who ran what from when to when.
 *
 * M1 A program runs on while the process that started it stands still; its warden, which does not
 *    stand still, ends it when that lasts too long (docs/adr/0007).
 * M2 When the process is gone its programs are ended soon after, not at once.
 * M3 A stubborn program hears TERM and goes on; KILL ends every one.
 * M4 A program is known to warden and machine before it begins, and does not begin once it has to end.
 */
import type { RunWork } from '@writ/contracts';
import type { ActiveRun } from '@writ/executor';
import { GRACE_MS } from '@writ/programs';
import type { ProcessEnd, StopReason } from '@writ/programs';
import type { SeededRandom } from '@writ/testing';
import type { Journey } from './journey';
import type { ProgramScript } from './scripts';
import type { SimulatedProcess } from './simulated-process';
import type { SimulatedWarden } from './simulated-warden';
import type { VirtualTime } from './virtual-time';

/** One line of the witness. */
export interface Execution {
  readonly runId: string;
  /** `<directive>/<step>`: no two executions of one may overlap. */
  readonly step: string;
  readonly by: string;
  readonly claim: number;
  readonly from: number;
  /** Infinity while it runs. */
  to: number;
}

export interface ProgramTask {
  readonly process: SimulatedProcess;
  readonly work: Pick<RunWork, 'runId' | 'directiveId' | 'step' | 'timeoutMs'>;
  readonly run: ActiveRun;
  readonly claim: number;
  readonly script: ProgramScript;
}

const SPAWN_MS = [2, 12] as const;
const TERM_MS = [5, 300] as const;
const KILL_MS = [1, 20] as const;
/** Between the end of a process and that of its programs. */
const ORPHANED_MS = [1, 300] as const;

export class Machine {
  readonly witness: Execution[] = [];
  private readonly running = new Set<SimulatedProgram>();
  /** How often each run was executed, for programs that fail at first. */
  private readonly executions = new Map<string, number>();

  constructor(
    readonly time: VirtualTime,
    readonly random: SeededRandom,
    readonly journey: Journey,
  ) {}

  get programs(): number {
    return this.running.size;
  }

  /** To be called for each process that runs programs. */
  watch(process: SimulatedProcess, warden: SimulatedWarden): void {
    process.onGone(() => this.endAll(process, this.random.int(...ORPHANED_MS), 'orphaned'));
    warden.onStrike(() => this.endAll(process, this.random.int(...KILL_MS), 'its warden'));
  }

  /** Runs a program for a process; resolves when that hears of its end. */
  async execute(task: ProgramTask, warden: SimulatedWarden): Promise<ProcessEnd> {
    const { clock, alive } = task.process;
    const began = clock.now();
    if (!alive) await new Promise<never>(() => undefined); // who is gone starts nothing
    const end = await new Promise<Omit<ProcessEnd, 'durationMs'>>((resolve) => {
      const program = new SimulatedProgram(this, task, (ended) => {
        this.running.delete(program);
        task.process.run(() => resolve(ended));
      });
      this.running.add(program); // M4
      program.launch();
    });
    const lost = end.stoppedBy === undefined && warden.mayHaveStruck(began);
    return { ...end, ...(lost ? { stoppedBy: 'lost' } : {}), durationMs: clock.now() - began };
  }

  /** The how-manieth execution of its run this one is. */
  countExecution(runId: string): number {
    const count = (this.executions.get(runId) ?? 0) + 1;
    this.executions.set(runId, count);
    return count;
  }

  private endAll(process: SimulatedProcess, withinMs: number, why: string): void {
    for (const program of this.running) {
      if (program.process === process) program.kill(withinMs, why);
    }
  }
}

class SimulatedProgram {
  readonly process: SimulatedProcess;
  private line: Execution | undefined;
  private stoppedBy: StopReason | undefined;
  private ended = false;
  private readonly timers: (() => void)[] = [];
  private readonly obey = () => this.terminate(this.task.run.stop.reason as StopReason);

  constructor(
    private readonly machine: Machine,
    private readonly task: ProgramTask,
    private readonly tell: (end: Omit<ProcessEnd, 'durationMs'>) => void,
  ) {
    this.process = task.process;
  }

  launch(): void {
    const { run, work, process } = this.task;
    const { clock } = process;
    run.stop.addEventListener('abort', this.obey);
    if (run.stop.aborted) this.obey();
    this.timers.push(clock.after(work.timeoutMs, () => this.terminate('timeout')));
    const spawnMs = this.machine.random.int(...SPAWN_MS);
    this.timers.push(clock.after(spawnMs, () => this.begin()));
  }

  kill(withinMs: number, why: string): void {
    const { time } = this.machine;
    this.timers.push(time.after(withinMs, () => this.end(null, 'SIGKILL', ` (${why})`)));
  }

  private begin(): void {
    if (this.ended || this.stoppedBy !== undefined) return; // M4
    const { machine, task } = this;
    const { work, claim, script } = task;
    const { runId, directiveId, step } = work;
    const { nowMs } = machine.time;
    this.line = {
      ...{ runId, step: `${directiveId}/${step}`, by: this.process.name, claim },
      ...{ from: nowMs, to: Number.POSITIVE_INFINITY },
    };
    machine.witness.push(this.line);
    machine.journey.note(`${this.process.name} starts the program of ${runId} (claim ${claim})`);
    const count = machine.countExecution(runId);
    if (script.end === 'hang') return;
    const fails = script.end === 'fail' || (script.end === 'flaky' && count <= script.failures);
    const end = () => this.end(fails ? script.exitCode : 0);
    this.timers.push(machine.time.after(script.ms, end)); // M1
  }

  private terminate(reason: StopReason): void {
    if (this.stoppedBy !== undefined) return;
    this.stoppedBy = reason;
    const { random, time } = this.machine;
    if (this.line === undefined) return this.kill(random.int(...KILL_MS), reason);
    const graceMs = GRACE_MS[reason];
    if (graceMs > 0 && !this.task.script.stubborn) {
      const heard = () => this.end(null, 'SIGTERM');
      this.timers.push(time.after(random.int(...TERM_MS), heard)); // M3
    }
    const kill = () => this.kill(random.int(...KILL_MS), reason);
    this.timers.push(this.process.clock.after(graceMs, kill));
  }

  private end(exitCode: number | null, signal?: string, why = ''): void {
    if (this.ended) return;
    this.ended = true;
    const { machine, task, stoppedBy, line } = this;
    for (const takeBack of this.timers) takeBack();
    task.run.stop.removeEventListener('abort', this.obey);
    if (line !== undefined) line.to = machine.time.nowMs;
    const how = `${line === undefined ? 'is not begun' : 'ends'} with ${signal ?? exitCode}${why}`;
    machine.journey.note(`the program of ${task.work.runId} ${how}`);
    this.tell({ exitCode, ...(signal && { signal }), stoppedBy });
  }
}
