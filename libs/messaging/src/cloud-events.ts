/**
 * CloudEvents 1.0 over NATS: attributes as `ce-*` headers, the data as the body (binary mode). Owns
 * the names and the encoding of header values. What Writ sends is always complete; what it reads may
 * come from any NATS client, so everything may be missing but the body, and the structured mode
 * (one JSON envelope, `application/cloudevents+json`) is read as well.
 */
import { Actor, REPLY_TO_HEADER } from '@writ/contracts';
import type { Attributes, Outgoing } from './bus';
import { MalformedMessage } from './bus-errors';
import { DATAREF_HEADER } from './claim-check';
import { isReplySubject } from './wire';
import type { Headers } from './wire';

/** The server drops a message whose id it has stored within the stream's window. */
export const MESSAGE_ID_HEADER = 'nats-msg-id';
const MESSAGE_ID_ON_THE_WIRE = 'Nats-Msg-Id';
const STRUCTURED = 'application/cloudevents+json';
const MAX_VALUE_LENGTH = 1024;

/** The headers of a message to send; `dataref` when its body is kept elsewhere. */
export function headersOf(message: Outgoing, dataref?: string): Headers {
  const { attributes } = message;
  const headers = new Map<string, string>();
  const set = (name: string, value: string | number | undefined) => {
    if (value !== undefined) headers.set(name, encodeValue(String(value)));
  };
  set('ce-specversion', '1.0');
  set('ce-id', attributes.id);
  set('ce-type', attributes.type);
  set('ce-source', attributes.source);
  set('ce-subject', attributes.subject);
  set('ce-time', attributes.time);
  set('ce-position', attributes.position);
  set('ce-streamversion', attributes.version);
  set('ce-schemaversion', attributes.schemaVersion);
  set('ce-commandid', attributes.commandId);
  set('ce-correlationid', attributes.correlationId);
  set('ce-causationid', attributes.causationId);
  const { actor } = attributes;
  set('ce-actor', actor && `${actor.kind}:${actor.id}`);
  set(DATAREF_HEADER, dataref);
  set('traceparent', attributes.traceparent);
  headers.set('content-type', 'application/json');
  set(MESSAGE_ID_ON_THE_WIRE, message.messageId ?? attributes.id);
  set(REPLY_TO_HEADER, message.replyTo);
  return headers;
}

/**
 * The attributes of a message that arrived. `derivedId` names it when it has no id of its own: the
 * same for each delivery of one stored message. Throws MalformedMessage.
 */
export function attributesOf(
  headers: Headers,
  subject: string,
  derivedId: () => string,
): Attributes {
  const specVersion = headers.get('ce-specversion');
  if (specVersion !== undefined && !specVersion.startsWith('1.')) {
    throw new MalformedMessage(`the header ce-specversion is ${specVersion}; Writ reads 1.0`);
  }
  return {
    id: text(headers, 'ce-id') ?? text(headers, MESSAGE_ID_HEADER) ?? derivedId(),
    type: text(headers, 'ce-type') ?? subject,
    source: text(headers, 'ce-source') ?? '/unknown',
    subject: text(headers, 'ce-subject'),
    time: text(headers, 'ce-time'),
    correlationId: text(headers, 'ce-correlationid'),
    causationId: text(headers, 'ce-causationid'),
    commandId: text(headers, 'ce-commandid'),
    actor: actorOf(headers),
    traceparent: text(headers, 'traceparent') ?? text(headers, 'ce-traceparent'),
    position: count(headers, 'ce-position'),
    version: count(headers, 'ce-streamversion'),
    schemaVersion: count(headers, 'ce-schemaversion'),
  };
}

/** The subject of the answer, when the sender named one. Throws MalformedMessage. */
export function replyToOf(headers: Headers): string | undefined {
  const replyTo = headers.get(REPLY_TO_HEADER);
  if (replyTo === undefined || replyTo === '') return undefined;
  if (isReplySubject(replyTo)) return replyTo;
  throw new MalformedMessage(
    `the header ${REPLY_TO_HEADER} must name a plain subject outside "writ." and "$"`,
  );
}

export function isStructured(headers: Headers): boolean {
  return headers.get('content-type')?.toLowerCase().startsWith(STRUCTURED) ?? false;
}

/** The headers that a structured envelope stands for, and its data. Throws MalformedMessage. */
export function openStructured(
  envelope: unknown,
  outer: Headers,
): { headers: Headers; data: unknown } {
  if (typeof envelope !== 'object' || envelope === null || Array.isArray(envelope)) {
    throw new MalformedMessage(`a body of type ${STRUCTURED} must be a JSON object`);
  }
  const headers = new Map(outer);
  for (const [name, value] of Object.entries(envelope)) {
    if (name === 'data' || name === 'data_base64') continue;
    if (typeof value === 'string' || typeof value === 'number') {
      headers.set(`ce-${name.toLowerCase()}`, encodeValue(String(value)));
    }
  }
  if (!('data' in envelope)) throw new MalformedMessage('the CloudEvent has no member "data"');
  return { headers, data: envelope.data };
}

/** Header values are printable ASCII; the rest travels as in CloudEvents over HTTP, by percent. */
export function encodeValue(value: string): string {
  return /[^!-~]|["%]/.test(value) ? value.replace(/[^!-~]|["%]/gu, percent) : value;
}

function percent(character: string): string {
  let encoded = '';
  for (const byte of Buffer.from(character)) {
    encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** Values that were not encoded are taken as they stand. */
export function decodeValue(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function text(headers: Headers, name: string): string | undefined {
  const value = headers.get(name);
  if (value === undefined || value === '') return undefined;
  if (value.length > MAX_VALUE_LENGTH) {
    throw new MalformedMessage(
      `the header ${name} has ${value.length} characters; at most ${MAX_VALUE_LENGTH} are read`,
    );
  }
  return decodeValue(value);
}

function count(headers: Headers, name: string): number | undefined {
  const value = headers.get(name);
  if (value === undefined || value === '') return undefined;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new MalformedMessage(`the header ${name} is ${JSON.stringify(value)}, not a whole number`);
}

function actorOf(headers: Headers): Actor | undefined {
  const value = text(headers, 'ce-actor');
  if (value === undefined) return undefined;
  const colon = value.indexOf(':');
  const kind = value.slice(0, Math.max(colon, 0));
  if ((kind === 'person' || kind === 'service' || kind === 'agent') && colon < value.length - 1) {
    return { kind, id: value.slice(colon + 1) };
  }
  throw new MalformedMessage(
    `the header ce-actor is ${JSON.stringify(value)}; it reads person:<id>, service:<id> or agent:<id>`,
  );
}
