/**
 * What the steps themselves saw: each execution writes into one file, with `O_APPEND` and on its own
 * clock, when it began, that it still lives, and that it came to its end. Independent of the log, which
 * could err: overlaps and counts follow from the file alone.
 */
import { readFileSync } from 'node:fs';

export const witnessFile = 'witness.jsonl';

/** A script that works for about `tenths` * 0.1 s and bears witness of it, in its folder or elsewhere. */
export function witnessedScript(tenths: number, into = witnessFile): string {
  const line = `'{"what":"%s","run":"%s","token":"%s","pid":%s,"at":%s}\\n'`;
  return [
    'token="$(date +%s%N)-$$"',
    `say() { printf ${line} "$1" "$WRIT_RUN" "$token" "$$" "$(date +%s%3N)" >> ${into}; }`,
    'say begin',
    `for i in $(seq ${tenths}); do sleep 0.1; say beat; done`,
    'say end',
  ].join('\n');
}

/** One execution of a step's program. */
export interface Execution {
  readonly run: string;
  readonly directive: string;
  readonly step: string;
  readonly generation: number;
  readonly attempt: number;
  readonly pid: number;
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly from: number;
  /** Its last sign of life. */
  readonly to: number;
  /** It came to its end, so it has had all of its effect. */
  readonly succeeded: boolean;
}

interface Line {
  readonly what: 'begin' | 'beat' | 'end';
  readonly run: string;
  readonly token: string;
  readonly pid: number;
  readonly at: number;
}

const RUN = /^([a-z0-9]{16})-g(\d+)-(.+)-a(\d+)$/;

/** Throws for a line that is not one. */
export function readWitness(path: string): Execution[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return executionsOf(lines.filter((it) => it !== '').map((line) => JSON.parse(line) as Line));
}

export function executionsOf(lines: readonly Line[]): Execution[] {
  const found = new Map<string, Execution>();
  for (const { what, run, token, pid, at } of lines) {
    const [, directive, generation, step, attempt] = RUN.exec(run) ?? [];
    if (directive === undefined || step === undefined) throw new Error(`"${run}" is no run`);
    const key = `${run} ${token}`;
    const before = found.get(key);
    found.set(key, {
      ...{
        run,
        directive,
        step,
        pid,
        token,
        generation: Number(generation),
        attempt: Number(attempt),
      },
      from: Math.min(before?.from ?? at, at),
      to: Math.max(before?.to ?? at, at),
      succeeded: before?.succeeded === true || what === 'end',
    });
  }
  return [...found.values()];
}

const stepOf = ({ directive, step }: Execution) => `${directive} ${step}`;

function byStep(executions: readonly Execution[]): Map<string, Execution[]> {
  const steps = new Map<string, Execution[]>();
  for (const it of executions) steps.set(stepOf(it), [...(steps.get(stepOf(it)) ?? []), it]);
  return steps;
}

/** One line for each two executions of one step that were under way at the same time. */
export function overlaps(executions: readonly Execution[]): string[] {
  return [...byStep(executions)].flatMap(([step, own]) => {
    const inOrder = own.sort((a, b) => a.from - b.from);
    return inOrder.flatMap((later, index) =>
      inOrder
        .slice(0, index)
        .filter((earlier) => earlier.to > later.from)
        .map((earlier) => {
          const ms = Math.min(earlier.to, later.to) - later.from;
          return `${step}: processes ${earlier.pid} and ${later.pid} overlap by ${ms} ms`;
        }),
    );
  });
}

/** How often each step came to its end, by `<directive> <step>`. */
export function successes(executions: readonly Execution[]): Map<string, number> {
  return new Map(
    [...byStep(executions)].map(([step, own]) => [step, own.filter((it) => it.succeeded).length]),
  );
}

/** One line for each of these steps, which may not run twice, that was begun more than once. */
export function begunAgain(executions: readonly Execution[], once: ReadonlySet<string>): string[] {
  return [...byStep(executions)]
    .filter(([step, own]) => once.has(step) && own.length > 1)
    .map(([step, own]) => `${step} may run only once and was begun ${own.length} times`);
}
