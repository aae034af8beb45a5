/** A directive whose steps have all succeeded before, one at a time; latency is that of a step. */
import { randomUUID } from 'node:crypto';
import type { Directives } from '../directives';
import { numberOf, type Job } from '../job';
import { measureRounds } from '../measure-rounds';
import { warmClient } from '../warm-up';
import { oneByOne } from './single';

export const cached: Job = {
  name: 'cached',
  does: 'finished work again: every step is taken from the run cache',
  options: [
    { name: 'steps', means: 'steps of the directive', standard: 10 },
    { name: 'times', means: 'directives of one round, one after the other', standard: 40 },
  ],
  measure: async (stage, parameters) => {
    const directives = await warmClient(stage);
    const [steps, times] = [numberOf(parameters, 'steps'), numberOf(parameters, 'times')];
    const nonce = randomUUID();
    await oneByOne(directives, steps, 1, nonce);
    return measureRounds(stage, 'stepsPerSecond', async () => {
      const round = await oneByOne(directives, steps, times, nonce);
      await requireSkipped(directives, round.last);
      return round;
    });
  },
};

/** Else the cache was not what was measured. */
async function requireSkipped(directives: Directives, id: string): Promise<void> {
  const { steps } = await directives.show(id);
  const executed = steps.find(({ runStatus }) => runStatus !== 'skipped');
  if (executed !== undefined) throw new Error(`${executed.name} of ${id} was not from the cache`);
}
