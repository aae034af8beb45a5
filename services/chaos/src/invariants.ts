/**
 * What has to hold in the log, as SQL over `log.event`: each statement gives one row `broken` for each
 * thing that is wrong. Told from the events alone, not with the code that made them.
 */
import type { Client } from 'pg';

const ends = `('DirectiveCompleted', 'DirectiveFailed', 'DirectiveStopped')`;

export const invariants: Readonly<Record<string, string>> = {
  'positions are without a gap': `
    select format('position %s comes after %s', position, before) as broken from (
      select position, lag(position, 1, 0) over (order by position) as before from log.event
    ) it where position <> before + 1`,

  'versions of a stream are without a gap, in the order of the log': `
    select format('%s: version %s is number %s', stream, version, place) as broken from (
      select stream, version, row_number() over (partition by stream order by position) as place
      from log.event
    ) it where version <> place`,

  'what was accepted has one final state': `
    select format('%s has %s final states', stream, count(*) filter (where type in ${ends})) as broken
    from log.event where stream like 'directive-%'
    group by stream
    having bool_or(type = 'DirectiveCreated')
      and count(*) filter (where type in ${ends}) <> 1`,

  'nothing but archiving and refusals follows a final state': `
    select format('%s: %s at position %s follows its end', stream, type, position) as broken
    from log.event later
    where type not in ('DirectiveArchived', 'CommandRefused') and exists (
      select from log.event ended
      where ended.stream = later.stream and ended.type in ${ends} and ended.version < later.version)`,

  'a step passes at most once in a generation': `
    select format('%s: %s passes %s times in generation %s', stream, step, count(*), generation)
      as broken
    from (
      select stream, data::jsonb ->> 'step' as step,
        substring(data::jsonb #>> '{run,runId}' from '-g([0-9]+)-') as generation
      from log.event where type = 'StepPassed'
    ) it group by stream, step, generation having count(*) > 1`,

  'a run ends at most once': `
    select format('%s ends %s times', stream, count(*)) as broken
    from log.event where type = 'RunEnded' group by stream having count(*) > 1`,

  'claims of a run are numbered in their order': `
    select format('%s: claim %s is number %s', stream, claim, place) as broken from (
      select stream, (data::jsonb ->> 'claim')::int as claim,
        row_number() over (partition by stream order by version) as place
      from log.event where type = 'RunClaimed'
    ) it where claim <> place`,

  'a step starts when all that it depends on has passed': `
    select format('%s: %s starts at version %s before %s has passed', started.stream,
      started.data::jsonb ->> 'step', started.version, needed.name) as broken
    from log.event started
    cross join lateral (
      select data::jsonb as chain, version from log.event
      where stream = started.stream and type = 'ChainActivated' and version < started.version
      order by version desc limit 1
    ) active
    cross join lateral jsonb_array_elements(active.chain -> 'steps') as planned(step)
    cross join lateral jsonb_array_elements_text(planned.step -> 'dependsOn') as needed(name)
    where started.type = 'StepStarted'
      and planned.step ->> 'name' = started.data::jsonb ->> 'step'
      and not exists (
        select from log.event passed
        where passed.stream = started.stream and passed.type = 'StepPassed'
          and passed.version < started.version
          and passed.data::jsonb ->> 'step' = needed.name)`,
};

/** What is broken, each with the name of its rule. */
export async function brokenInTheLog(client: Client): Promise<string[]> {
  const broken: string[] = [];
  for (const [rule, sql] of Object.entries(invariants)) {
    const { rows } = await client.query<{ broken: string }>(sql);
    broken.push(...rows.map((row) => `${rule}: ${row.broken}`));
  }
  return broken;
}
