/** What was measured, and on what: a figure without its versions cannot be compared. */
import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';

export interface Versions {
  readonly writ: string;
  readonly node: string;
  readonly postgres: string;
  readonly nats: string;
  readonly cores: number;
}

const LIMIT_MS = 5_000;

export function versionsOf(pids: Readonly<Record<string, number>>): Versions {
  return {
    writ: said('git', ['rev-parse', '--short', 'HEAD'], __dirname) ?? 'unknown',
    node: process.version,
    postgres: versionOf(pids['postgres']),
    nats: versionOf(pids['nats']),
    cores: cpus().length,
  };
}

/** Of the last minute: above the number of cores, others worked here too. */
export const loadOfTheMinute = (): number => Math.round((loadavg()[0] ?? 0) * 100) / 100;

/** The very program that runs is asked, not one of the same name. */
function versionOf(pid: number | undefined): string {
  if (pid === undefined) return 'unknown';
  try {
    const text = said(readlinkSync(`/proc/${pid}/exe`), ['--version']) ?? '';
    return /\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? 'unknown';
  } catch {
    return 'unknown'; // another system, or another user's process
  }
}

function said(program: string, argv: string[], cwd?: string): string | undefined {
  const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
  try {
    return execFileSync(program, argv, { encoding: 'utf8', stdio, timeout: LIMIT_MS, cwd }).trim();
  } catch {
    return undefined;
  }
}
