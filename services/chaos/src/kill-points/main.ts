/**
 * `npm run kill-points -- [--hits 3] [--seeds 3] [--only text] [--json]`
 * Exit codes: 0 green, 1 violated, 2 not run, 3 invalid.
 */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { exitCodes } from '../verdict';
import { allRows } from './rows';
import { runKillPoints, type KillPointsResult } from './run-kill-points';

interface Options {
  readonly hits: number;
  readonly seeds: number;
  readonly from: number;
  readonly only?: string;
  readonly checkEach: boolean;
  readonly json: boolean;
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('no whole number');
  return value;
}

function print(result: KillPointsResult): void {
  const { seed, verdict, rows, broken, directives, executions, seconds, kept } = result;
  const lines = [
    `seed ${seed}: ${verdict} after ${seconds} s`,
    `  ${rows.length} points met, ${directives} directives, ${executions} programs run`,
    ...rows.flatMap(({ point, at, broken: own, invalid }) => [
      ...own.map((line) => `  ${point} ${at}: broken: ${line}`),
      ...invalid.map((line) => `  ${point} ${at} says nothing: ${line}`),
    ]),
    ...broken.map((line) => `  broken: ${line}`),
    ...(kept === undefined ? [] : [`  everything is kept in ${kept}`]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Exit code of a wrong option, or a stack that does not start. */
const NOT_RUN = 2;

async function run({ hits, seeds, from, only = '', checkEach, json }: Options): Promise<void> {
  const rows = allRows.filter(({ point, at }) => `${point} ${at}`.includes(only));
  if (rows.length === 0) throw new Error(`no row has "${only}" in its name`);
  const tell = (text: string) => void process.stderr.write(`${text}\n`);
  const results: KillPointsResult[] = [];
  for (let seed = from; seed < from + seeds; seed += 1) {
    const result = await runKillPoints({ rows, hits, seed, checkEach, tell });
    results.push(result);
    if (!json) print(result);
  }
  if (json) process.stdout.write(`${JSON.stringify({ results })}\n`);
  const verdicts = results.map(({ verdict }) => verdict);
  const worst = (['violated', 'invalid', 'green'] as const).find((it) => verdicts.includes(it));
  process.exit(exitCodes[worst ?? 'invalid']);
}

new Command('kill-points')
  .exitOverride()
  .description('lets each process die at each point in the life of a step, on a stack of its own')
  .option('--hits <n>', 'each point at its first time, its second, ..., up to so many', whole, 1)
  .option('--seeds <n>', 'how many seeds, each with a stack of its own', whole, 1)
  .option('--from <seed>', 'the first of them', whole, 1)
  .option('--only <text>', 'rows with this in their names, such as KP14 or executor.after')
  .option('--check-each', 'settle and check after each row', false)
  .option('--json', 'one JSON object on stdout', false)
  .action(run)
  .parseAsync()
  .catch((error: unknown) => {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : NOT_RUN); // it has spoken
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(NOT_RUN);
  });
