/**
 * `npm run bench -- JOB [options] [--json]`. Owns the order: a stack of its own, a warm-up that is
 * not counted, the job, the figures; the stack is stopped whatever happens, Ctrl-C too.
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { connectJetStreamBus } from '@writ/messaging';
import { Command, InvalidArgumentError } from 'commander';
import { chainOf, Directives } from './directives';
import { chain } from './jobs/chain';
import { single } from './jobs/single';
import type { Measured } from './measure';
import { startStack } from './stack';
import { usageBetween, usageOf } from './usage';

type Parameters = Record<string, number>;
type Job = (directives: Directives) => Promise<Measured>;

const warmUpDirectives = 50;

async function measure(job: string, parameters: Parameters, json: boolean, run: Job) {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  say('starting a stack');
  const stack = await startStack();
  // It runs in the background, so Ctrl-C alone would leave it there.
  const leave = () => void stack.stop().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, leave);
  try {
    const bus = await connectJetStreamBus({ servers: stack.natsUrl, name: 'bench' });
    const directives = await Directives.open(bus);
    say('warming up');
    const warmUps = Array.from({ length: warmUpDirectives }, () => directives.run(chainOf(10)));
    await Promise.all(warmUps);
    say(`measuring ${job}`);
    const before = usageOf(stack.pids);
    const measured = await run(directives);
    const usage = usageBetween(before, usageOf(stack.pids));
    await bus.drain(1_000);
    print({ job, parameters, ...measured, ...usage, versions: versions() }, json);
  } finally {
    await stack.stop();
  }
}

function versions() {
  const git = (argv: string[]) => {
    try {
      return execFileSync('git', argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    } catch {
      return 'unknown';
    }
  };
  const commit = git(['rev-parse', '--short', 'HEAD']).trim();
  return { writ: commit, node: process.version, cores: cpus().length };
}

function print(result: Measured & Record<string, unknown>, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  const { seconds, stepsPerSecond, latencyMs, cpuSeconds, rssMiB } = result;
  const of = result['job'] === 'single' ? 'a step' : 'a directive';
  const rows = [
    `${String(result['job'])} ${JSON.stringify(result['parameters'])}`,
    `  ${stepsPerSecond} steps/s in ${seconds} s`,
    `  ${of}: p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms, max ${latencyMs.max} ms`,
    `  CPU seconds ${JSON.stringify(cpuSeconds)}`,
    `  memory, MiB ${JSON.stringify(rssMiB)}`,
  ];
  process.stdout.write(`${rows.join('\n')}\n`);
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('not a whole number');
  return value;
}

const program = new Command('bench').description('measures Writ on real PostgreSQL and NATS');

program
  .command('chain')
  .description('directives of steps in a row, all submitted at once')
  .option('--directives <n>', 'how many directives', count, 100)
  .option('--steps <n>', 'steps of each', count, 10)
  .option('--json', 'one JSON object on stdout', false)
  .action(({ json, directives, steps }: { json: boolean; directives: number; steps: number }) =>
    measure('chain', { directives, steps }, json, (it) => chain(it, { directives, steps })),
  );

program
  .command('single')
  .description('one directive at a time on an idle system')
  .option('--steps <n>', 'steps of the directive', count, 10)
  .option('--json', 'one JSON object on stdout', false)
  .action(({ json, steps }: { json: boolean; steps: number }) =>
    measure('single', { steps }, json, (it) => single(it, { steps })),
  );

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
