/**
 * Measures something several times. Owns what is told of it: the median of each figure, every round by
 * itself, the processor's time of one round on average, memory as it is at the end.
 */
import type { Stage } from './job';
import { figuresOf, rounded, summaryOf, type Figures, type Rate, type Round } from './measure';
import { usageBetween, usageOf, type Usage } from './usage';

export type Measured = Figures & Usage & { readonly rounds: readonly Figures[] };

export async function measureRounds(
  { stack, rounds: count, say }: Pick<Stage, 'stack' | 'rounds' | 'say'>,
  rate: Rate,
  measureOne: (round: number) => Promise<Round>,
): Promise<Measured> {
  const rounds: Round[] = [];
  const before = usageOf(stack.pids);
  for (let round = 1; round <= count; round += 1) {
    say(`round ${round} of ${count}`);
    rounds.push(await measureOne(round));
  }
  const { cpuSeconds, rssMiB } = usageBetween(before, usageOf(stack.pids));
  const ofOne = Object.entries(cpuSeconds).map(([name, all]) => [name, rounded(all / count)]);
  return {
    ...summaryOf(rounds, rate),
    rounds: rounds.map((round) => figuresOf(round, rate)),
    cpuSeconds: Object.fromEntries(ofOne) as Record<string, number>,
    rssMiB,
  };
}
