/** Which process has which plan in its environment, and what its log says since it has. */
import type { KeptProcess } from '../kept-process';
import { FailpointLog } from './failpoint-log';

export interface Armed {
  readonly plan: string;
  /** Of the process's starts, the one that has the plan. */
  readonly start: number;
  readonly log: FailpointLog;
}

const environment = (plan: string) => ({ WRIT_FAILPOINTS: plan });

export class Victims {
  private readonly armed = new Map<KeptProcess, Armed>();

  /** The process runs with the plan, or comes up with it; what is said from then on. */
  async arm(victim: KeptProcess, plan: string): Promise<Armed> {
    const before = this.armed.get(victim);
    if (before?.plan === plan && before.start >= victim.starts) return before;
    await victim.down('SIGTERM');
    this.note(victim, plan);
    victim.up();
    return this.armed.get(victim)!;
  }

  /** It has died by its plan and comes back with this one: what it makes good meets that. */
  armReturn(victim: KeptProcess, plan: string): void {
    this.note(victim, plan);
  }

  private note(victim: KeptProcess, plan: string): void {
    victim.next(environment(plan));
    this.armed.set(victim, {
      plan,
      start: victim.starts + 1,
      log: new FailpointLog(victim.logFile),
    });
  }
}
