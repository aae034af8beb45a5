/** D directives of S steps in a row, all submitted at once; latency is that of a directive. */
import { chainOf, type Directives } from '../directives';
import { measured, requireCompleted, type Measured } from '../measure';

export async function chain(
  directives: Directives,
  { directives: count, steps }: { directives: number; steps: number },
): Promise<Measured> {
  const files = Array.from({ length: count }, () => chainOf(steps));
  const began = performance.now();
  const ends = await Promise.all(files.map((file) => directives.run(file)));
  const ms = performance.now() - began;
  requireCompleted(ends);
  return measured(
    count * steps,
    ms,
    ends.map((end) => end.ms),
  );
}
