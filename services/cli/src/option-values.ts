/** The values of options: read from what was typed, or refused with the form that they have. */
import { InvalidArgumentError } from 'commander';

export function seconds(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return Math.ceil(value * 1000);
  throw new InvalidArgumentError('give seconds, more than 0.');
}

export function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('give a whole number from 1 on.');
}

export function amount(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('give a number from 0 on.');
}

export function position(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('give a position of the log.');
}

export function port(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value < 65_536) return value;
  throw new InvalidArgumentError('give a port from 1 to 65535.');
}

export function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new InvalidArgumentError('give JSON; a text in it stands in "quotes".');
  }
}

export function natsAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'nats:' && url.hostname !== '') return url;
  throw new InvalidArgumentError('give nats://host:port.');
}

export function names(text: string): string[] {
  const given = text.split(',').map((name) => name.trim());
  if (given.some(Boolean)) return given.filter(Boolean);
  throw new InvalidArgumentError('name services, with commas between them.');
}

export function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

/** Of the record: a position of the log, or a time. */
export function moment(text: string): string {
  if (/^[1-9]\d{0,14}$/.test(text) || isTime(text)) return text;
  throw new InvalidArgumentError(
    'give a position of the log, or a time such as 2026-01-31T12:00Z.',
  );
}

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000 };

/** A time, or how long ago: `90d`, `12h`, `30m`. */
export function ago(text: string): string {
  if (isTime(text)) return text;
  const [, count, unit] = /^(\d{1,6})([dhm])$/.exec(text) ?? [];
  if (count !== undefined) {
    const ms = Number(count) * unitMs[unit as keyof typeof unitMs];
    return new Date(Date.now() - ms).toISOString();
  }
  throw new InvalidArgumentError('give a time such as 2026-01-31T12:00Z, or 90d, 12h, 30m.');
}

const isTime = (text: string) =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.test(text) &&
  !Number.isNaN(Date.parse(text));
