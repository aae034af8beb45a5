/**
 * What clients were told, against the log: everything that was accepted is in it once, nothing that was
 * refused is, and what was left open is there once or not at all. Counted by what the commands were
 * about, so that nothing here rests on ids that the product made.
 */
import type { Client } from 'pg';
import type { HistoryLine, Verb } from './client';

/** The directives that clients were told are accepted. */
export function accepted(history: readonly HistoryLine[]): Set<string> {
  const ids = history.flatMap(({ op, verb, directiveId }) =>
    op === 'ok' && verb === 'create' ? directiveId! : [],
  );
  return new Set(ids);
}

const eventOf: Readonly<Record<Verb, string>> = {
  create: 'DirectiveCreated',
  pause: 'DirectivePaused',
  resume: 'DirectiveResumed',
  stop: 'DirectiveStopped',
};

/** How many events there have to be of what the commands with these keys ask for. */
interface Bounds {
  readonly least: number;
  readonly most: number;
}

export async function brokenAnswers(
  client: Client,
  history: readonly HistoryLine[],
): Promise<string[]> {
  const { rows } = await client.query<{ about: string }>(
    `select type || ' of ' || coalesce(data::jsonb ->> 'title', substr(stream, 11)) as about
     from log.event where type = any($1)`,
    [Object.values(eventOf)],
  );
  const found = new Map<string, number>();
  for (const { about } of rows) found.set(about, (found.get(about) ?? 0) + 1);
  const wrong = [...boundsOf(history)].flatMap(([about, { least, most }]) => {
    const count = found.get(about) ?? 0;
    if (count >= least && count <= most) return [];
    const told = least === most ? `${least}` : `${least} to ${most}`;
    return [`${about} is ${count} times in the log, and by what clients were told ${told} times`];
  });
  return [...(await lost(client, history)), ...contradictions(history), ...wrong];
}

/** A key is a command: it counts once however often it was asked. */
export function boundsOf(history: readonly HistoryLine[]): Map<string, Bounds> {
  const keys = new Map<string, HistoryLine[]>();
  for (const line of history) keys.set(line.key, [...(keys.get(line.key) ?? []), line]);
  const bounds = new Map<string, Bounds>();
  for (const lines of keys.values()) {
    const about = aboutOf(lines[0]!);
    const told = new Set(lines.map(({ op }) => op));
    const before = bounds.get(about) ?? { least: 0, most: 0 };
    bounds.set(about, {
      least: before.least + (told.has('ok') ? 1 : 0),
      most: before.most + (told.has('ok') || !told.has('fail') ? 1 : 0),
    });
  }
  return bounds;
}

const aboutOf = ({ verb, title, directiveId }: HistoryLine) =>
  `${eventOf[verb]} of ${title ?? directiveId}`;

async function lost(client: Client, history: readonly HistoryLine[]): Promise<string[]> {
  const { rows } = await client.query<{ stream: string }>(
    `select stream from log.event where type = 'DirectiveCreated'`,
  );
  const known = new Set(rows.map(({ stream }) => stream.slice('directive-'.length)));
  return [...accepted(history)]
    .filter((id) => !known.has(id))
    .map((id) => `a client was told of ${id}, and the log has no such`);
}

/** The same key gets the same answer. */
function contradictions(history: readonly HistoryLine[]): string[] {
  const first = new Map<string, string>();
  return history.flatMap(({ op, key, directiveId = '' }) => {
    if (op !== 'ok' && op !== 'fail') return [];
    const answer = op === 'fail' ? 'no' : directiveId;
    const before = first.get(key) ?? answer;
    first.set(key, before);
    return before === answer ? [] : [`key ${key} was told ${before}, then ${answer}`];
  });
}
