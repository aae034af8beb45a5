/** What the steps saw, against itself and against what the log says of them. */
import type { Client } from 'pg';
import { begunAgain, type Execution, overlaps, successes } from './witness';
import { onceStep, silentSteps } from './workload';

export async function brokenWitness(
  client: Client,
  executions: readonly Execution[],
): Promise<string[]> {
  // What programs say may hold NUL, which JSON can and the database's own cannot.
  const { rows: passed } = await client.query<{ step: string; run: string; source: string | null }>(
    `select substr(passed.stream, 11) || ' ' || (passed.data::jsonb ->> 'step') as step,
       passed.data::jsonb #>> '{run,runId}' as run,
       replace(ended.data, '\\u0000', '')::jsonb #>> '{source,runId}' as source
     from log.event passed
     join log.event ended on ended.type = 'RunEnded'
       and ended.stream = 'run-' || (passed.data::jsonb #>> '{run,runId}')
     where passed.type = 'StepPassed' and not passed.data::jsonb ->> 'step' = any($1)`,
    [silentSteps],
  );
  const done = new Set(executions.flatMap(({ run, succeeded }) => (succeeded ? run : [])));
  // Of a run that was skipped the one bears witness whose outputs it handed out.
  const unseen = passed.filter(({ run, source }) => !done.has(source ?? run));
  const once = [...successes(executions).keys()].filter((step) => step.endsWith(` ${onceStep}`));
  return [
    ...overlaps(executions),
    ...begunAgain(executions, new Set(once)),
    ...unseen.map(({ step }) => `${step} passed, and no execution of it came to its end`),
  ];
}
