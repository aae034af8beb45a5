/**
 * A plan of what happens at which point of a service's seams (`seams.ts`), for one process: by the
 * point's name and by how often it was reached. Owns the text of a plan and the counting; what a
 * crash is, and a stop, is given: a signal to a real process, a word to a simulated one.
 *
 *   executor.after.append.RunEnded#2=crash,planner.before.send.work=delay:500
 */
import type { Points, Reached } from './seams';

export const failActions = ['crash', 'throw', 'delay', 'duplicate', 'stop'] as const;
export type FailAction = (typeof failActions)[number];

export interface Failpoint {
  readonly point: string;
  /** Which time the point is reached: 1, 2, ... */
  readonly hit: number;
  readonly action: FailAction;
  /** Of `delay` and `stop`. */
  readonly ms: number;
}

/** What it means for this process. */
export interface FailpointActions {
  /** Nothing of the process happens after it: the promise never resolves. */
  crash(point: string): Promise<never>;
  /** Stands still for so long, all of it. */
  stop(point: string, ms: number): Promise<void>;
  /** Lets this one call wait. */
  delay(point: string, ms: number): Promise<void>;
}

export class FailpointError extends Error {
  constructor(readonly point: string) {
    super(`a planned failure at ${point}`);
    this.name = 'FailpointError';
  }
}

const FORM =
  /^((?:planner|executor|verifier|manifest)\.(?:before|after)\.[\w.-]+?)(?:#(\d+))?=([a-z]+)(?::(\d+))?$/;

/** Throws what is wrong with the plan, with an example. */
export function parseFailpoints(text: string): Failpoint[] {
  const entries = text.split(',').flatMap((entry) => entry.trim() || []);
  return entries.map((entry) => {
    const [, point = '', hit = '1', action = '', ms = '0'] = FORM.exec(entry) ?? [];
    if (!(failActions as readonly string[]).includes(action) || Number(hit) < 1) {
      throw new Error(
        `"${entry}" is no failpoint; one is, for example, ` +
          `executor.after.append.RunEnded#2=crash (or ${failActions.slice(1).join(', ')}:<ms>)`,
      );
    }
    return { point, hit: Number(hit), action: action as FailAction, ms: Number(ms) };
  });
}

/** Points at which the plan is carried out, each entry once. `isDue` hears of it before it happens. */
export function plannedPoints(
  plan: readonly Failpoint[],
  actions: FailpointActions,
  isDue: (entry: Failpoint) => void = () => undefined,
): Points {
  const hits = new Map<string, number>();
  return {
    reach: async (point): Promise<Reached> => {
      const hit = (hits.get(point) ?? 0) + 1;
      hits.set(point, hit);
      const due = plan.find((entry) => entry.point === point && entry.hit === hit);
      if (due === undefined) return 'go';
      isDue(due);
      switch (due.action) {
        case 'crash':
          return actions.crash(point);
        case 'throw':
          throw new FailpointError(point);
        case 'delay':
          await actions.delay(point, due.ms);
          return 'go';
        case 'stop':
          await actions.stop(point, due.ms);
          return 'go';
        case 'duplicate':
          return 'again';
      }
    },
  };
}
