/**
 * Reads JSON that a stranger wrote. Owns what is refused before any schema sees it: bytes that are
 * not UTF-8, nesting that would exhaust a stack, and keys that would reach a prototype.
 */
import { isUtf8 } from 'node:buffer';
import { MAX_DEPTH } from '@writ/contracts';
import { MalformedMessage } from './bus-errors';

const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;

/** Throws MalformedMessage. */
export function readJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) throw new MalformedMessage('the body is empty; it must be JSON');
  if (!isUtf8(bytes)) throw new MalformedMessage('the body is not UTF-8');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new MalformedMessage(`the body is not JSON: ${(error as Error).message}`);
  }
  // Nearly every message is cleared by these two looks at its text; the others are walked.
  if (mayBeDeep(bytes) || mayReachPrototype(text)) inspect(value);
  return value;
}

/** Brackets in strings count too, so this errs to one side only. */
function mayBeDeep(bytes: Uint8Array): boolean {
  if (bytes.length <= MAX_DEPTH) return false;
  let opened = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) opened += 1;
  }
  return opened > MAX_DEPTH;
}

/** A key may be written with escapes, so any escaped ASCII character is reason enough to look. */
function mayReachPrototype(text: string): boolean {
  return text.includes('proto') || text.includes('\\u00');
}

/** Without recursion: the value is what may be too deep. */
function inspect(root: unknown): void {
  let level: object[] = isObject(root) ? [root] : [];
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) {
      throw new MalformedMessage(`the body is nested deeper than ${MAX_DEPTH} levels`);
    }
    const below: object[] = [];
    for (const value of level) {
      if (!Array.isArray(value)) checkKeys(value);
      for (const member of Object.values(value)) if (isObject(member)) below.push(member);
    }
    level = below;
  }
}

function checkKeys(value: object): void {
  if (Object.hasOwn(value, '__proto__')) {
    throw new MalformedMessage('the body has a key __proto__, which no message needs');
  }
  const constructor: unknown = Object.hasOwn(value, 'constructor')
    ? (value as Record<string, unknown>)['constructor']
    : undefined;
  if (isObject(constructor) && Object.hasOwn(constructor, 'prototype')) {
    throw new MalformedMessage('the body has keys constructor.prototype, which no message needs');
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
