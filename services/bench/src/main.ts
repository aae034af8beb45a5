/** `npm run bench -- JOB [options] [--json]`: the jobs as commands. What each measures is its own. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { comparePeers } from './compare-peers';
import type { Job, JobOption } from './job';
import { jobs } from './jobs';
import { printed } from './print';
import { runJob } from './run-job';

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const count = (least: number) => (text: string) => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new InvalidArgumentError(`not a whole number from ${least} on`);
};

function optionOf({ name, means, standard, oneOf, orNone }: JobOption): Option {
  const isNumber = typeof standard === 'number';
  const option = new Option(`--${kebab(name)} <${isNumber ? 'n' : 'word'}>`, means);
  if (isNumber) option.argParser(count(orNone ? 0 : 1));
  if (oneOf !== undefined) option.choices([...oneOf]);
  return option.default(standard);
}

interface CommonOptions {
  readonly json: boolean;
  readonly rounds?: number;
  readonly warmUp: number;
}

function commandOf(job: Job): Command {
  const command = new Command(job.name).description(job.does);
  for (const option of job.options) command.addOption(optionOf(option));
  return command
    .option('--rounds <n>', `how often; medians are told (default: ${job.rounds ?? 3})`, count(1))
    .option('--warm-up <n>', 'directives before it, which are not counted', count(0), 100)
    .option('--json', 'one JSON object on stdout', false)
    .action(async ({ json, rounds, warmUp, ...parameters }: CommonOptions) => {
      const result = await runJob(job, parameters as Record<string, number | string>, {
        rounds,
        warmUp,
      });
      process.stdout.write(`${json ? JSON.stringify(result) : printed(result)}\n`);
    });
}

const program = new Command('bench').description('measures Writ on real PostgreSQL and NATS');
for (const job of jobs) program.addCommand(commandOf(job));
program.addCommand(
  new Command('peers')
    .description('chain, fan-out and single beside other systems, in one run, as ratios')
    .addOption(
      new Option('--folder <path>', 'where the scripts of the peers are')
        .env('WRIT_PEERS')
        .makeOptionMandatory(),
    )
    .option('--json', 'one JSON object on stdout', false)
    .action(comparePeers),
);

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
