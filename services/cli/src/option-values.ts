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
