/**
 * Answers what would become of a directive, and writes nothing: its steps as they would be planned,
 * what is wrong with them, what they will cost and how long they will take. Owns that the answer comes
 * without a forecast when no executor can say anything of the past.
 */
import {
  canonicalJson,
  checkDirectiveFile,
  HistoryAnswer,
  queries,
  subjects,
  type HistoryQuestion,
  type Issue,
  type PlanDocument,
} from '@writ/contracts';
import {
  approverWarnings,
  examinePlan,
  forecastPlan,
  forecastWarnings,
  planDocument,
  type ExaminedPlan,
  type WhatIsKnown,
} from '@writ/domain';
import { QueryError, TimeoutError } from '@writ/messaging';
import { sha256, type Planner } from './planner';

const HISTORY_LIMIT_MS = 5_000;

type Tools = Pick<Planner, 'bus' | 'people' | 'logger'>;

export async function answerPlan(deps: Tools, question: unknown): Promise<PlanDocument> {
  const { directive: written } = queries.plan.schema.parse(question);
  const checked = checkDirectiveFile(written);
  if ('issues' in checked) return unreadable(checked.issues);
  const examined = examinePlan(checked.directive);
  const warnings = approverWarnings(examined.directive, deps.people?.everybody());
  const known = await whatIsKnown(deps, examined);
  return planDocument(examined, {
    ...known,
    warnings: [...warnings, ...(known.warnings ?? [])],
  });
}

/** What does not have the form of a directive has no steps to show. */
function unreadable(issues: readonly Issue[]): PlanDocument {
  const nothing = { steps: [], coverage: [], criteria: [], forecast: null };
  const noForecast = 'the directive cannot be read';
  return { strategy: 'unknown', ...nothing, issues: [...issues], noForecast };
}

async function whatIsKnown(deps: Tools, examined: ExaminedPlan): Promise<WhatIsKnown> {
  const { directive, steps, sound } = examined;
  if (!sound) return { noForecast: 'there are errors to mend first' };
  if (steps.length === 0) return { noForecast: 'there are no steps yet' };
  const { service, name } = queries.history;
  const { workspace, limits } = directive;
  const asked: HistoryQuestion = { workspace, steps: [...steps] };
  try {
    const said = await deps.bus.query(subjects.query(service, name), asked, {
      timeoutMs: HISTORY_LIMIT_MS,
    });
    const history = HistoryAnswer.parse(said);
    const seed = Buffer.from(sha256(canonicalJson(asked))).readUInt32BE();
    const byStep = new Map(history.steps.map((past) => [past.step, past]));
    const forecast = forecastPlan({ steps, history: byStep, limits, seed });
    return { forecast, warnings: forecastWarnings(directive, steps, history, forecast) };
  } catch (error) {
    if (!(error instanceof QueryError) && !(error instanceof TimeoutError)) throw error;
    deps.logger.warn({ err: error }, 'a plan is shown without a forecast');
    return { noForecast: `no executor told of the past: ${error.message}` };
  }
}
