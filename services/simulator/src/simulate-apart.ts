/**
 * Many seeds in a process of their own, as `npm run simulate` has them: out of a test runner they take
 * a third of the time, and what they need of memory goes with them. Runs what is built.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';

/** As `--json` prints it, in part. */
export interface ManySeeds {
  readonly seeds: number;
  readonly broken: number;
  /** Of all that happened. */
  readonly digest: string;
  readonly faults: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly types: Readonly<Record<string, number>>;
  readonly points: readonly string[];
  readonly crashes: readonly string[];
}

const main = join(__dirname, '..', 'dist', 'main.js');
const LIMIT_MS = 10 * 60_000;

/** Throws, with what is broken and its journey, when a seed is. */
export function simulateApart(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ManySeeds> {
  const options = { timeout: LIMIT_MS, maxBuffer: 256 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    const given = [main, ...argv, '--json', '--journey'];
    const all = { ...options, env: { ...process.env, ...env } };
    execFile(process.execPath, given, all, (error, stdout, stderr) => {
      if (!stdout.startsWith('{')) {
        return reject(
          new Error(`nothing was simulated (is it built?): ${error?.message} ${stderr}`),
        );
      }
      const { failures, ...sums } = JSON.parse(stdout) as ManySeeds & { failures: Broken[] };
      if (failures.length === 0) return resolve(sums);
      const told = failures.flatMap((it) => [
        ...it.journey,
        ...[`seed ${it.seed}`, ...it.broken, `npm run simulate -- --seed ${it.seed} --journey`],
      ]);
      reject(new Error(told.join('\n')));
    });
  });
}

interface Broken {
  readonly seed: number;
  readonly broken: readonly string[];
  readonly journey: readonly string[];
}
