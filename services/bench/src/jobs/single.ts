/** One directive of S steps at a time on an idle system; latency is that of a step. */
import { chainOf } from '../directive-shapes';
import { requireCompleted, type Directives } from '../directives';
import { numberOf, type Job } from '../job';
import type { Round } from '../measure';
import { measureRounds } from '../measure-rounds';
import { warmClient } from '../warm-up';

export const single: Job = {
  name: 'single',
  does: 'one directive at a time on an idle system',
  options: [
    { name: 'steps', means: 'steps of the directive', standard: 10 },
    { name: 'times', means: 'directives of one round, one after the other', standard: 40 },
  ],
  measure: async (stage, parameters) => {
    const directives = await warmClient(stage);
    const [steps, times] = [numberOf(parameters, 'steps'), numberOf(parameters, 'times')];
    return measureRounds(stage, 'stepsPerSecond', () => oneByOne(directives, steps, times));
  },
};

/** `nonce`: always the same directive, of which all but the first find their steps done. */
export async function oneByOne(
  directives: Directives,
  steps: number,
  times: number,
  nonce?: string,
): Promise<Round & { readonly last: string }> {
  const latencies: number[] = [];
  let last = '';
  const began = performance.now();
  for (let at = 0; at < times; at += 1) {
    const end = await directives.run(chainOf(steps, nonce));
    requireCompleted([end]);
    latencies.push(end.ms / steps);
    last = end.directiveId;
  }
  return { count: times * steps, ms: performance.now() - began, latencies, last };
}
