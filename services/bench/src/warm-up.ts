/** What comes before every measurement, as in the scripts of the peers; nothing of it is counted. */
import { chainOf } from './directive-shapes';
import { requireCompleted, type Directives } from './directives';
import type { Stage } from './job';

const STEPS = 10;

export async function warmUp(
  { warmUp: count, say }: Pick<Stage, 'warmUp' | 'say'>,
  directives: Directives,
): Promise<void> {
  if (count === 0) return;
  say('warming up');
  const many = Array.from({ length: count }, () => directives.run(chainOf(STEPS)));
  requireCompleted(await Promise.all(many));
  const singles = Math.ceil((count * 2) / 5);
  for (let at = 0; at < singles; at += 1) requireCompleted([await directives.run(chainOf(STEPS))]);
}

/** A client on a stack that is warm. */
export async function warmClient(stage: Stage): Promise<Directives> {
  const directives = await stage.connect();
  await warmUp(stage, directives);
  return directives;
}
