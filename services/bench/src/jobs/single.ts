/** One directive of S steps at a time on an idle system; latency is that of a step. */
import { chainOf, type Directives } from '../directives';
import { measured, requireCompleted, type Measured } from '../measure';

const rounds = 30;

export async function single(
  directives: Directives,
  { steps }: { steps: number },
): Promise<Measured> {
  const latencies: number[] = [];
  const began = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    const end = await directives.run(chainOf(steps));
    requireCompleted([end]);
    latencies.push(end.ms / steps);
  }
  return measured(rounds * steps, performance.now() - began, latencies);
}
