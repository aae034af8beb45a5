/**
 * Finished directives by the thousand: one that ran in earnest is read back from the log, with its runs
 * and manifests, and written again under other names. Whatever reads the log later cannot tell.
 *
 * C1 What must differ between directives does: their id and all that holds it, the ids of events and
 *    commands, the hashes of input bundles. All else is as it was.
 * C2 A stream is written whole, in one append; runs before the directive that speaks of them.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { streamsOfDirective, type NewEvent } from '@writ/contracts';
import type { Append, EventLog } from '@writ/event-log';

/** One stream of the original: the texts of its events, `{id, type, schemaVersion, data, metadata}`. */
interface Original {
  readonly stream: string;
  readonly events: readonly string[];
}

export interface Template {
  readonly directiveId: string;
  /** What is new in the names of its clones, so that two templates share none. */
  readonly mark: string;
  readonly firstHead: number;
  readonly streams: readonly Original[];
  /** Of one directive. */
  readonly events: number;
}

const SEALED_WITHIN_MS = 60_000;
const PAGE = 10_000;

/** Reads a directive that has ended; waits until its manifest is sealed, which is the last of it. */
export async function readTemplate(
  log: Pick<EventLog, 'readAll' | 'lastEvents'>,
  directiveId: string,
): Promise<Template> {
  const deadline = performance.now() + SEALED_WITHIN_MS;
  while ((await log.lastEvents([`manifest-${directiveId}`])).length === 0) {
    if (performance.now() > deadline)
      throw new Error(`the manifest of ${directiveId} is not sealed`);
    await wait(100);
  }
  const byStream = new Map<string, string[]>();
  let events = 0;
  for (let after = 0; ;) {
    const streamPrefixes = streamsOfDirective(directiveId);
    const page = await log.readAll({ after, limit: PAGE, streamPrefixes });
    for (const { stream, id, type, schemaVersion, data, metadata } of page) {
      const text = JSON.stringify({ id, type, schemaVersion, data, metadata });
      byStream.set(stream, [...(byStream.get(stream) ?? []), text]);
    }
    events += page.length;
    after = page.at(-1)?.position ?? after;
    if (page.length < PAGE) break;
  }
  const streams = [...byStream].map(([stream, texts]) => ({ stream, events: texts }));
  const isRun = ({ stream }: Original) => (stream.startsWith('run-') ? 0 : 1);
  return {
    directiveId,
    ...newNames(),
    streams: streams.sort((a, b) => isRun(a) - isRun(b)),
    events,
  }; // C2
}

const UUID_HEAD = /\b[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)/g;
const BUNDLE_HEAD = /(?<="hash":"sha256:)[0-9a-f]{16}/g;

/** The appends that make the directive once more, the `number`-th time. */
export function clone(template: Template, number: number): Append[] {
  const directiveId = `c${template.mark}${number.toString(36).padStart(6, '0')}`;
  const uuidHead = (template.firstHead + number).toString(16);
  const bundleHead = randomBytes(8).toString('hex');
  const again = (text: string) =>
    text
      .replaceAll(template.directiveId, directiveId)
      .replace(UUID_HEAD, uuidHead)
      .replace(BUNDLE_HEAD, bundleHead); // C1
  return template.streams.map(({ stream, events }) => ({
    stream: again(stream),
    expectedVersion: 0,
    events: events.map((text) => JSON.parse(again(text)) as NewEvent),
  }));
}

/** Heads of ids far from those of our time, which begin with 01. */
function newNames(): Pick<Template, 'mark' | 'firstHead'> {
  const mark = [...randomBytes(9)].map((byte) => (byte % 36).toString(36)).join('');
  return { mark, firstHead: 0x10000000 + (randomBytes(4).readUInt32BE() % 0xe0000000) };
}
