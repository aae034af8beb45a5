/** Answers how steps like these went before, and which of them the run cache has already. */
import { queries, type HistoryAnswer, type PlannedStep, type StepHistory } from '@writ/contracts';
import type { Executor } from './executor';
import { lookAhead } from './look-ahead';
import { kindKeyOf, stepKeyOf } from './projections/step-history';

export type HistoryTools = Pick<
  Executor,
  'history' | 'workshop' | 'cache' | 'programs' | 'clock' | 'logger'
>;

export async function answerHistory(deps: HistoryTools, question: unknown): Promise<HistoryAnswer> {
  const asked = queries.history.schema.parse(question);
  const keys = asked.steps.map(keysOf);
  const [runs, ahead] = await Promise.all([
    deps.history.runsOf(
      keys.flatMap(({ own, kind }) => (own === undefined ? [kind] : [own, kind])),
    ),
    lookAhead(deps, asked),
  ]);
  const steps = asked.steps.map((step, at): StepHistory => {
    const { own = '', kind = '' } = keys[at] ?? {};
    const found = runs.get(own);
    const alike = found ?? runs.get(kind) ?? [];
    const basis = found !== undefined ? 'step' : alike.length > 0 ? 'kind' : 'unknown';
    const { bundle = 'unknown', trouble } = ahead.get(step.name) ?? {};
    const told = trouble === undefined ? {} : { trouble };
    return { step: step.name, basis, runs: [...alike], bundle, ...told };
  });
  return { steps, programsAtATime: deps.programs.places.sizeOf('programs') };
}

const keysOf = ({ name, type, adapter }: PlannedStep) => ({
  own: stepKeyOf(name, adapter),
  kind: kindKeyOf(adapter.kind, type),
});
