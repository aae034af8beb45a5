/**
 * A message of others as an occurrence: what makes it the same as another one, and what of it a
 * directive may see. Owns that nothing of it is anything but text.
 *
 * What makes it the same, the first that it has: the header `Nats-Msg-Id`; the CloudEvents headers
 * `ce-source` and `ce-id`; its place in its stream; subject and words (see S3 of the domain's schedule).
 */
import { EVENT_LIMIT, SCHEDULE_VARIABLES, type ScheduleTrigger } from '@writ/contracts';
import { SAME_WORDS, type Checked } from '@writ/domain';
import type { Overheard } from '@writ/messaging';
import { createHash } from 'node:crypto';

type Heard = Extract<ScheduleTrigger, { kind: 'subject' }>;

const LONGEST_KEY = 200;

export function keyOf({ subject, headers, body, origin }: Overheard): string {
  const messageId = headers.get('nats-msg-id');
  if (messageId) return bounded('message-id', messageId);
  const eventId = headers.get('ce-id');
  if (eventId) return bounded('ce', `${headers.get('ce-source') ?? ''} ${eventId}`);
  if (origin !== undefined) return bounded('sequence', origin);
  return SAME_WORDS + createHash('sha256').update(subject).update('\0').update(body).digest('hex');
}

function bounded(kind: string, name: string): string {
  const short = name.length <= LONGEST_KEY && !name.includes('\0');
  return `${kind}:${short ? name : createHash('sha256').update(name).digest('hex')}`;
}

/** As an occurrence; the problem is that of the message alone. */
export function readMessage(trigger: Heard, message: Overheard, now: string): Checked {
  const text = textOf(message.body);
  const read = 'problem' in text ? { ...text, text: '' } : text;
  const occurrence = {
    by: 'subject' as const,
    scheduledFor: now,
    key: keyOf(message),
    variables: variablesOf(trigger, read.text, now),
  };
  if (!('problem' in text)) return { occurrence };
  return { occurrence, problem: { reason: 'unreadable', message: text.problem } };
}

export function variablesOf(
  trigger: ScheduleTrigger,
  event: string,
  now: string,
): Record<string, string> {
  const time = { [SCHEDULE_VARIABLES.time]: now };
  if (trigger.kind === 'cron') return time;
  const data = parsed(event);
  const found = Object.entries(trigger.variablesFrom).flatMap(([name, pointer]) => {
    const value = valueAt(data, pointer);
    const plain = typeof value === 'string' || typeof value === 'number';
    return plain ? [[name, String(value)] as const] : []; // else what the directive says
  });
  return { ...time, [SCHEDULE_VARIABLES.event]: event, ...Object.fromEntries(found) };
}

function textOf(body: Uint8Array): { text: string } | { problem: string } {
  if (body.length > EVENT_LIMIT) {
    return { problem: `the message has ${body.length} bytes; at most ${EVENT_LIMIT} are read` };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
    return text.includes('\0') ? { problem: 'the message holds a NUL byte' } : { text };
  } catch {
    return { problem: 'the message is no text (UTF-8)' };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // text is a message too
  }
}

/** RFC 6901. */
function valueAt(data: unknown, pointer: string): unknown {
  let here = data;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string, unknown>)[key];
  }
  return here;
}
