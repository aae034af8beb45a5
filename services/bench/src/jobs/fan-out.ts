/** One directive of N steps side by side and one that joins them; latency is that of the directive. */
import { fanOutOf } from '../directive-shapes';
import { requireCompleted } from '../directives';
import { numberOf, type Job } from '../job';
import { measureRounds } from '../measure-rounds';
import { warmClient } from '../warm-up';

export const fanOut: Job = {
  name: 'fan-out',
  does: 'one directive of parallel steps and a join',
  options: [{ name: 'steps', means: 'parallel steps, the join not counted', standard: 1_000 }],
  measure: async (stage, parameters) => {
    const directives = await warmClient(stage);
    const steps = numberOf(parameters, 'steps');
    if (stage.warmUp > 0) requireCompleted([await directives.run(fanOutOf(steps))]);
    return measureRounds(stage, 'stepsPerSecond', async () => {
      const end = await directives.run(fanOutOf(steps));
      requireCompleted([end]);
      return { count: steps, ms: end.ms, latencies: [end.ms] };
    });
  },
};
