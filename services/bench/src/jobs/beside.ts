/**
 * Whether the past makes the present slow: `chain` on a fresh stack, then on the same with a log of N
 * events and D finished directives, and how long services need until they are ready on both.
 */
import { caughtUp, fillLog } from '../fill-log';
import { numberOf, type Job } from '../job';
import { rounded } from '../measure';
import { measureRounds } from '../measure-rounds';
import { warmClient } from '../warm-up';
import { allAtOnce } from './chain';

export const beside: Job = {
  name: 'beside',
  does: 'chain before and after the log has a long past',
  options: [
    { name: 'events', means: 'events of the past', standard: 5_000_000 },
    { name: 'finished', means: 'directives that they make up', standard: 20_000 },
    { name: 'directives', means: 'directives of chain', standard: 100 },
    { name: 'steps', means: 'steps of each', standard: 10 },
  ],
  measure: async (stage, parameters) => {
    const { stack, say } = stage;
    const [count, steps] = [numberOf(parameters, 'directives'), numberOf(parameters, 'steps')];
    const measured = async () => {
      const client = await warmClient(stage);
      const figures = await measureRounds(stage, 'stepsPerSecond', () =>
        allAtOnce(client, count, steps),
      );
      await client.close();
      return figures;
    };
    const restarted = async () => {
      await stack.down();
      return rounded((await stack.up()) / 1_000);
    };
    const before = { readySeconds: await restarted(), ...(await measured()) };
    const past = await fillLog(stage, {
      events: numberOf(parameters, 'events'),
      finished: numberOf(parameters, 'finished'),
    });
    await stack.up();
    say('waiting for the read models');
    const caughtUpSeconds = await caughtUp(stack.databaseUrl);
    const after = { readySeconds: await restarted(), ...(await measured()) };
    return {
      ...after,
      ...{ before, past, caughtUpSeconds },
      ratio: rounded((after.stepsPerSecond ?? 0) / (before.stepsPerSecond ?? 1)),
      /** On a machine on which others work, this says more than the clock. */
      cpuRatio: rounded(allOf(after.cpuSeconds) / allOf(before.cpuSeconds)),
    };
  },
};

const allOf = (byName: Readonly<Record<string, number>>): number =>
  Object.values(byName).reduce((sum, seconds) => sum + seconds, 0);
