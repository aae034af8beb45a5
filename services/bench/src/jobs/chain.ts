/** D directives of S steps in a row, all submitted at once; latency is that of a directive. */
import { chainOf } from '../directive-shapes';
import { requireCompleted, type Directives } from '../directives';
import { numberOf, type Job } from '../job';
import type { Round } from '../measure';
import { measureRounds } from '../measure-rounds';
import { warmClient } from '../warm-up';

export const chain: Job = {
  name: 'chain',
  does: 'directives of steps in a row, all submitted at once',
  options: [
    { name: 'directives', means: 'how many directives', standard: 100 },
    { name: 'steps', means: 'steps of each', standard: 10 },
  ],
  measure: async (stage, parameters) => {
    const directives = await warmClient(stage);
    const [count, steps] = [numberOf(parameters, 'directives'), numberOf(parameters, 'steps')];
    return measureRounds(stage, 'stepsPerSecond', () => allAtOnce(directives, count, steps));
  },
};

export async function allAtOnce(
  directives: Directives,
  count: number,
  steps: number,
): Promise<Round> {
  const files = Array.from({ length: count }, () => chainOf(steps));
  const began = performance.now();
  const ended = await Promise.all(files.map((file) => directives.run(file)));
  const ms = performance.now() - began;
  requireCompleted(ended);
  return { count: count * steps, ms, latencies: ended.map((end) => end.ms) };
}
