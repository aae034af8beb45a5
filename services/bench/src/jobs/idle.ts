/** What the stack needs while nothing happens: memory, and processor time over some seconds. */
import { setTimeout as wait } from 'node:timers/promises';
import { numberOf, type Job } from '../job';
import { rounded } from '../measure';
import { CLIENT, shareOfAll, usageBetween, usageOf } from '../usage';

export const idle: Job = {
  name: 'idle',
  does: 'memory and processor time of a stack that has nothing to do',
  rounds: 1,
  options: [
    { name: 'settle', means: 'seconds before it is looked at', standard: 70, orNone: true },
    { name: 'seconds', means: 'seconds over which it is looked at', standard: 20 },
  ],
  measure: async ({ stack, say }, parameters) => {
    const seconds = numberOf(parameters, 'seconds');
    say('letting it come to rest');
    await wait(numberOf(parameters, 'settle') * 1_000);
    const before = usageOf(stack.pids);
    const began = performance.now();
    await wait(seconds * 1_000);
    const { cpuSeconds, rssMiB } = usageBetween(before, usageOf(stack.pids));
    const elapsed = (performance.now() - began) / 1_000;
    return {
      seconds: rounded(elapsed),
      cpuSeconds,
      rssMiB,
      withoutPostgres: {
        rssMiB: sumOf(rssMiB),
        /** A page that five Node processes share counts once: what it takes to run them. */
        shareMiB: shareOfAll(own(stack.pids)),
        /** Of one core. */
        cpuPercent: rounded((sumOf(cpuSeconds) / elapsed) * 100),
      },
    };
  },
};

const own = ({ postgres: _, ...pids }: Readonly<Record<string, number>>) => Object.values(pids);

/** Of what is Writ's, its NATS included. */
const sumOf = (byName: Readonly<Record<string, number>>): number =>
  rounded(
    Object.entries(byName)
      .filter(([name]) => name !== 'postgres' && name !== CLIENT)
      .reduce((sum, [, value]) => sum + value, 0),
  );
