/**
 * `npm run simulate -- --seeds N [--from SEED]`, or one seed with its journey. Owns what is printed:
 * progress on stderr, results on stdout, and of a failure everything that is needed to see it again.
 */
import { parseFailpoints } from '@writ/service-host';
import { Command, InvalidArgumentError, Option } from 'commander';
import { mutants, type Mutant } from './mutants';
import { describeBroken, Sums } from './report';
import { simulate, type Verdict } from './simulate';

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly journey: boolean;
  readonly mutant?: Mutant;
  readonly fail: string;
  readonly keepGoing: boolean;
  readonly json: boolean;
}

const SAY_EVERY_MS = 2_000;

async function run(options: Options): Promise<boolean> {
  const { mutant, json, journey: whole, keepGoing } = options;
  // Errors are thrown on purpose by the thousand; where they come from one seed alone can tell.
  if (options.seed === undefined) Error.stackTraceLimit = 0;
  const failpoints = parseFailpoints(options.fail);
  const [first, count] =
    options.seed === undefined ? [options.from, options.seeds] : [options.seed, 1];
  const began = performance.now();
  const sums = new Sums();
  const failures: Verdict[] = [];
  let saidAt = began;
  for (let seed = first; seed < first + count; seed += 1) {
    const verdict = await simulate({ seed, mutant, failpoints });
    sums.add(verdict);
    if (verdict.broken.length > 0) {
      failures.push(verdict);
      if (!json) print(...describeBroken(verdict, whole));
      if (!keepGoing) break;
    } else if (whole && !json) print(...verdict.journey);
    if (performance.now() - saidAt < SAY_EVERY_MS) continue;
    saidAt = performance.now();
    process.stderr.write(`${sums.seeds} of ${count} seeds, ${sums.broken} broken\n`);
  }
  printSums(sums, (performance.now() - began) / 1000, failures, options);
  return sums.broken === 0;
}

function printSums(sums: Sums, seconds: number, failures: readonly Verdict[], options: Options) {
  const { seeds, broken, figures, slowestCalmSeconds, faults, outcomes, types, digest } = sums;
  const [points, crashes] = [sums.points, sums.crashes].map((it) => [...it].sort()) as Names;
  const pace = { seconds: round(seconds), seedsPerSecond: round(seeds / seconds) };
  const result = { seeds, broken, ...pace, ...figures, slowestCalmSeconds, digest };
  if (options.json) {
    const told = failures.map((verdict) => ({
      ...{ seed: verdict.seed, broken: verdict.broken, digest: verdict.digest },
      ...(options.journey ? { journey: verdict.journey } : {}),
    }));
    const reached = { faults, outcomes, types, points, crashes };
    return print(JSON.stringify({ ...result, ...reached, failures: told }));
  }
  const { directives, events, programs, virtualSeconds } = figures;
  print(
    `${seeds} seeds, ${broken} broken, in ${pace.seconds} s (${pace.seedsPerSecond} a second)`,
    `  ${directives} directives, ${events} events, ${programs} programs, ${virtualSeconds} s of virtual time`,
    `  after a storm all was over within ${slowestCalmSeconds} s`,
    `  what went wrong: ${list(faults)}`,
    `  what came of it: ${list(outcomes)}`,
    `  events: ${list(types)}`,
    `  processes died at ${crashes.length} of ${points.length} points between two calls`,
  );
}

type Names = [string[], string[]];

const list = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');

const print = (...lines: string[]): void => void process.stdout.write(`${lines.join('\n')}\n`);
const round = (value: number): number => Math.round(value * 100) / 100;

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('not a whole number');
  return value;
}

new Command('simulate')
  .description("runs the services' own reactions in a seeded world, with everything going wrong")
  .option('--seeds <n>', 'how many seeds', count, 100)
  .option('--from <seed>', 'the first of them', count, 1)
  .option('--seed <seed>', 'this one alone', count)
  .option('--journey', 'the whole journey of what is printed', false)
  .option('--keep-going', 'go on after a seed that is broken', false)
  .option('--fail <plan>', 'failpoints by name, as in executor.after.append.RunEnded#2=crash', '')
  .addOption(
    new Option('--mutant <name>', 'break the product on purpose').choices(Object.keys(mutants)),
  )
  .option('--json', 'one JSON object on stdout', false)
  .action(async (options: Options) => {
    if (!(await run(options))) process.exitCode = 1;
  })
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
