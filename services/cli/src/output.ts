/**
 * Where words go: data to stdout, talk to stderr. Owns whether colour is used, and the two forms of
 * an error.
 */
import { once } from 'node:events';

import { asCliError, type CliError } from './cli-error';

export interface OutputOptions {
  readonly json: boolean;
}

export class Output {
  readonly json: boolean;

  constructor({ json }: OutputOptions) {
    this.json = json;
  }

  /** What the command is asked for. */
  data(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  value(value: unknown): void {
    this.data(JSON.stringify(value));
  }

  /** For long data: resolves when the reader has taken what was written, so that it does not pile up. */
  async taken(): Promise<void> {
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
  }

  /** What helps a person who watches; with --json it would only be in the way. */
  talk(text: string): void {
    if (!this.json) process.stderr.write(`${text}\n`);
  }
}

export function printError(error: unknown, json: boolean): CliError {
  const { code, message, details } = asCliError(error);
  if (json) {
    const body = { code, message, ...(details === undefined ? {} : { details }) };
    process.stderr.write(`${JSON.stringify({ error: body })}\n`);
  } else {
    process.stderr.write(`writ: ${message}\n`);
    for (const line of issueLines(details, message)) process.stderr.write(`  ${line}\n`);
    if (process.env['WRIT_DEBUG'] && error instanceof Error) {
      process.stderr.write(`${error.stack ?? ''}\n`);
    }
  }
  return asCliError(error);
}

interface PlacedIssue {
  code: string;
  message: string;
  path?: string;
  place?: string;
}

/** Issues, when the details of an error hold them: `file:line:column code message`. */
export function issuesOf(details: unknown): PlacedIssue[] {
  const issues = Array.isArray(details)
    ? details
    : (details as { issues?: unknown } | null)?.issues;
  return Array.isArray(issues) ? (issues as PlacedIssue[]) : [];
}

/** One that was said already, and has no place in a file, is not said again. */
function issueLines(details: unknown, said: string): string[] {
  return issuesOf(details)
    .filter(({ message, place }) => place !== undefined || message !== said)
    .map(({ code, message, path, place }) => {
      return `${place ?? (path === '' ? 'directive' : path)} ${code} ${message}`;
    });
}

/** Escape sequences are for terminals that want them. */
export function usesColour(stream: NodeJS.WriteStream, env = process.env): boolean {
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] && env['FORCE_COLOR'] !== '0') return true;
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

/** A screen on which lines can be drawn again. */
export function isLive(stream: NodeJS.WriteStream, env = process.env): boolean {
  return stream.isTTY === true && env['TERM'] !== 'dumb' && !env['CI'];
}
