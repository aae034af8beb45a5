/**
 * D directives are under way; when two in five of their steps are done, a process is killed with -9, or
 * everything is, PostgreSQL too. Measured is when the first step ends that was
 * started after it, and when all directives have ended. One step of each is a program that bears
 * witness: none of them may run twice at once.
 */
import type { DirectiveFileInput } from '@writ/contracts';
import type { StoredEvent } from '@writ/event-log';
import { chainOf, directiveOf, type Step } from '../directive-shapes';
import type { Directives } from '../directives';
import { numberOf, type Job, type Parameters, type Stage } from '../job';
import { LogWatch } from '../log-watch';
import { median, rounded } from '../measure';
import { measureRounds } from '../measure-rounds';
import { warmClient } from '../warm-up';
import { readWitness, twiceAtOnce, witnessedScript } from '../witness';

const KILL_AT = 0.4;
const END_WITHIN_MS = 180_000;
const victims = ['planner', 'executor', 'verifier', 'manifest', 'gateway', 'nats', 'postgres'];

/** Of one round; seconds are counted from the kill, of everything from the start of the new one. */
interface Recovery {
  readonly doneBeforeKill: number;
  readonly firstNewStepSeconds: number;
  readonly allDoneSeconds: number;
  readonly completed: number;
  readonly begunAgain: number;
}

export const recover: Job = {
  name: 'recover',
  does: 'kills a process in the middle of directives, and waits for all of them',
  options: [
    { name: 'directives', means: 'directives under way', standard: 100 },
    { name: 'steps', means: 'steps of each', standard: 10 },
    {
      name: 'kill',
      means: 'what is killed',
      standard: 'executor',
      oneOf: [...victims, 'everything'],
    },
    { name: 'witnessed', means: 'programs among the steps of each', standard: 1, orNone: true },
  ],
  measure: async (stage, parameters) => {
    let client = await warmClient(stage);
    const recoveries: Recovery[] = [];
    const measured = await measureRounds(stage, 'stepsPerSecond', async (round) => {
      const one = new Killing(stage, parameters, round);
      const { recovery, ms, latencies } = await one.measure(client);
      recoveries.push(recovery);
      if (parameters['kill'] === 'everything') {
        await client.close();
        client = await stage.connect();
      }
      const count = numberOf(parameters, 'directives') * numberOf(parameters, 'steps');
      return { count, ms, latencies };
    });
    const of = (pick: (recovery: Recovery) => number) => rounded(median(recoveries.map(pick)));
    return {
      ...measured,
      firstNewStepSeconds: of((it) => it.firstNewStepSeconds),
      allDoneSeconds: of((it) => it.allDoneSeconds),
      ranTwiceAtOnce: 0,
      recoveries,
    };
  },
};

class Killing {
  private readonly count: number;
  private readonly steps: number;
  private readonly folder: string;
  private readonly ids = new Set<string>();
  private readonly ended = new Map<string, { type: string; at: number }>();
  private runs = 0;
  /** Wall clock of this machine, as the database on it writes it down. */
  private countFrom = Infinity;
  /** What was under way at the kill may end as if nothing had been; these were not. */
  private readonly startedSince = new Set<string>();
  private firstNewStep: number | undefined;
  private wake: () => void = () => undefined;

  constructor(
    private readonly stage: Stage,
    private readonly parameters: Parameters,
    round: number,
  ) {
    this.count = numberOf(parameters, 'directives');
    this.steps = numberOf(parameters, 'steps');
    this.folder = stage.stack.workFolder(`round-${round}`);
  }

  /** Throws when something was lost, failed, or ran twice at once: then there is nothing to measure. */
  async measure(client: Directives) {
    const watch = await LogWatch.open(this.stage.stack.databaseUrl, (event) => this.saw(event));
    try {
      const began = Date.now();
      await this.submitAll(client);
      const middle = Math.ceil(this.count * this.steps * KILL_AT);
      await this.until('the middle', () => this.runs >= middle || this.ended.size > 0);
      const doneBeforeKill = this.runs;
      await this.kill();
      await this.until('the end of all directives', () => this.ended.size === this.count);
      return this.account(began, doneBeforeKill);
    } finally {
      await watch.close();
    }
  }

  private async submitAll(client: Directives): Promise<void> {
    const files = Array.from({ length: this.count }, () => this.directive());
    for (const id of await Promise.all(files.map((file) => client.accepted(file)))) {
      this.ids.add(id);
    }
  }

  private directive(): DirectiveFileInput {
    const witnessed = numberOf(this.parameters, 'witnessed');
    const steps = chainOf(this.steps).chain?.steps ?? [];
    if (witnessed === 0) return directiveOf(steps);
    const every = Math.max(1, Math.floor(this.steps / witnessed));
    const adapter = { kind: 'shell' as const, script: witnessedScript };
    const some = steps.map((step, at): Step => {
      return at % every === every - 1 ? { ...step, adapter, cache: false } : step;
    });
    return directiveOf(some, { workspace: { kind: 'directory', path: this.folder } });
  }

  private saw({ type, stream, data, recordedAt }: StoredEvent): void {
    const id = stream.split('-')[1] ?? '';
    const at = Date.parse(recordedAt);
    if (type === 'StepStarted') {
      if (at >= this.countFrom) this.startedSince.add((data as { runId: string }).runId);
    } else if (type === 'RunEnded') {
      this.runs += 1;
      if (this.startedSince.has((data as { runId: string }).runId)) this.firstNewStep ??= at;
    } else if (/^Directive(Completed|Failed|Stopped)$/.test(type)) {
      this.ended.set(id, { type, at });
    }
    this.wake();
  }

  private async kill(): Promise<void> {
    const { stack, say } = this.stage;
    const what = String(this.parameters['kill']);
    say(`killing ${what}`);
    this.countFrom = Date.now();
    if (what !== 'everything') return stack.kill(what);
    stack.killEverything();
    this.countFrom = Date.now();
    await stack.up();
  }

  private account(began: number, doneBeforeKill: number) {
    const ours = [...this.ended].filter(([id]) => this.ids.has(id)).map(([, end]) => end);
    const other = ours.find(({ type }) => type !== 'DirectiveCompleted');
    if (other !== undefined) throw new Error(`a directive ended as ${other.type}`);
    const executions = readWitness(this.folder);
    const twice = twiceAtOnce(executions);
    if (twice.length > 0) throw new Error(`ran twice at once: ${twice.join(', ')}`);
    const last = Math.max(...ours.map(({ at }) => at));
    const since = (at: number) => rounded((at - this.countFrom) / 1_000);
    const recovery: Recovery = {
      doneBeforeKill,
      firstNewStepSeconds: since(this.firstNewStep ?? Infinity),
      allDoneSeconds: since(last),
      completed: ours.length,
      begunAgain: executions.length - new Set(executions.map(({ run }) => run)).size,
    };
    return { recovery, ms: last - began, latencies: ours.map(({ at }) => at - began) };
  }

  private async until(what: string, reached: () => boolean): Promise<void> {
    const deadline = Date.now() + END_WITHIN_MS;
    while (!reached()) {
      const left = deadline - Date.now();
      if (left <= 0) {
        const so = `${this.runs} runs and ${this.ended.size} of ${this.count} directives ended`;
        throw new Error(`gave up waiting for ${what}: ${so}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
