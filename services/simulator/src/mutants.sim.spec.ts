/** A simulator that does not find what was put there on purpose would find nothing else either. */
import { mutants, type Mutant } from './mutants';
import { simulate } from './simulate';

const WITHIN_SEEDS = 40;
const LIMIT_MS = 240_000;

test.each(Object.entries(mutants).map(([mutant, does]) => ({ mutant: mutant as Mutant, does })))(
  'a product that $does is found out',
  async ({ mutant }) => {
    for (let seed = 1; seed <= WITHIN_SEEDS; seed += 1) {
      const { broken, journey } = await simulate({ seed, mutant });
      if (broken.length === 0) continue;
      expect(journey.length).toBeGreaterThan(0);
      return;
    }
    throw new Error(`${mutant} was not found within ${WITHIN_SEEDS} seeds`);
  },
  LIMIT_MS,
);
