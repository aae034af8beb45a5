/**
 * What steps themselves write about their execution, into a file that has nothing to do with the log:
 * whether a step ran twice at the same time follows from it alone.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const file = 'witness.txt';

/** A program of about 100 ms that says each 20 ms that it lives: run, execution, milliseconds. */
export const witnessedScript = [
  'me="$(date +%s%N)-$$"',
  `say() { echo "$WRIT_RUN $me $(date +%s%3N)" >> ${file}; }`,
  'say',
  'for i in 1 2 3 4 5; do sleep 0.02; say; done',
].join('\n');

export interface Execution {
  readonly run: string;
  readonly from: number;
  readonly to: number;
}

export function readWitness(folder: string): Execution[] {
  const path = join(folder, file);
  return existsSync(path) ? executionsOf(readFileSync(path, 'utf8')) : [];
}

/** A line that was cut off by the death of its writer counts as not written. */
export function executionsOf(text: string): Execution[] {
  const found = new Map<string, Execution>();
  for (const line of text.split('\n')) {
    const [run = '', me = '', time = ''] = line.split(' ');
    if (!/^\d{13}$/.test(time)) continue;
    const [key, at] = [`${run} ${me}`, Number(time)];
    const before = found.get(key);
    const [from, to] = [Math.min(before?.from ?? at, at), Math.max(before?.to ?? at, at)];
    found.set(key, { run, from, to });
  }
  return [...found.values()];
}

/** The runs of which two executions were under way at the same moment. */
export function twiceAtOnce(executions: readonly Execution[]): string[] {
  const byRun = new Map<string, Execution[]>();
  for (const it of executions) byRun.set(it.run, [...(byRun.get(it.run) ?? []), it]);
  return [...byRun]
    .filter(([, own]) => {
      const inOrder = own.sort((a, b) => a.from - b.from);
      return inOrder.some((it, at) => at > 0 && (inOrder[at - 1]?.to ?? 0) > it.from);
    })
    .map(([run]) => run);
}
