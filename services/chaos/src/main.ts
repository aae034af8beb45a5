/**
 * `npm run chaos -- --seed N --minutes M --faults a,b [--json]`
 * Exit codes: 0 green, 1 violated, 2 not run, 3 invalid.
 */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { type FaultName, faultNames } from './faults';
import { type ChaosResult, runChaos } from './run-chaos';
import { exitCodes } from './verdict';

interface Options {
  readonly seed: number;
  readonly minutes: number;
  readonly faults: readonly FaultName[];
  readonly json: boolean;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('not a number above 0');
  return value;
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('no whole number');
  return value;
}

function named(text: string): FaultName[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !(faultNames as string[]).includes(name));
  if (unknown.length > 0) {
    throw new InvalidArgumentError(
      `no fault ${unknown.join(', ')}; there are ${faultNames.join(', ')}`,
    );
  }
  return [...new Set(names)] as FaultName[];
}

function print(result: ChaosResult): void {
  const { accepted, completed, failed, stopped, well } = result.directives;
  const rows = [
    `seed ${result.seed}: ${result.verdict} after ${result.seconds} s`,
    `  ${accepted} directives accepted, ${completed} completed, ${failed} failed, ${stopped} stopped; ${well} as they should`,
    `  ${result.executions} programs run; work ${JSON.stringify(result.work)}`,
    `  faults ${JSON.stringify(result.faults)}`,
    ...result.broken.map((line) => `  broken: ${line}`),
    ...result.invalid.map((line) => `  says nothing: ${line}`),
    ...(result.kept === undefined ? [] : [`  everything is kept in ${result.kept}`]),
  ];
  process.stdout.write(`${rows.join('\n')}\n`);
}

async function run({ json, ...options }: Options): Promise<void> {
  const tell = (text: string) => void process.stderr.write(`${text}\n`);
  const result = await runChaos({ ...options, tell });
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else print(result);
  process.exit(exitCodes[result.verdict]);
}

/** Exit code of a wrong option, or a stack that does not start. */
const NOT_RUN = 2;
const anySeed = Math.floor(Math.random() * 1_000_000);

new Command('chaos')
  .exitOverride()
  .description('mistreats a stack of its own and checks that all that has to hold does')
  .option('--seed <n>', 'of what happens, and when', whole, anySeed)
  .option('--minutes <m>', 'how long', positive, 3)
  .option('--faults <names>', 'divided by commas', named, faultNames)
  .option('--json', 'one JSON object on stdout', false)
  .action(run)
  .parseAsync()
  .catch((error: unknown) => {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : NOT_RUN); // it has spoken
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(NOT_RUN);
  });
