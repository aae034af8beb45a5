/** A job from its start to its figures: a stack of its own, stopped whatever happens, Ctrl-C too. */
import { Directives } from './directives';
import type { Job, Parameters } from './job';
import { Stack } from './stack';
import { loadOfTheMinute, versionsOf } from './versions';

export interface HowToMeasure {
  readonly rounds?: number;
  readonly warmUp: number;
}

export async function runJob(
  job: Job,
  parameters: Parameters,
  { rounds = job.rounds ?? 3, warmUp }: HowToMeasure,
): Promise<Readonly<Record<string, unknown>>> {
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  const stack = new Stack();
  // It runs in the background, so the end of this process alone would leave it there.
  const leaveWith = (code: number) => void stack.remove().finally(() => process.exit(code));
  const leave = () => leaveWith(130);
  const fall = (error: Error) => {
    say(error.stack ?? error.message);
    leaveWith(1);
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, leave);
  process.once('uncaughtException', fall);
  const clients: Directives[] = [];
  const connect = async () => {
    const client = await Directives.open(stack.natsUrl);
    clients.push(client);
    return client;
  };
  try {
    say('starting a stack');
    await stack.up(job.only);
    const versions = versionsOf(stack.pids);
    const loadBefore = loadOfTheMinute();
    say(`measuring ${job.name}`);
    const result = await job.measure({ stack, rounds, warmUp, say, connect }, parameters);
    return { job: job.name, parameters, ...result, versions, load: loadBefore };
  } finally {
    await Promise.allSettled(clients.map((client) => client.close()));
    await stack.remove();
    for (const signal of signals) process.off(signal, leave);
    process.off('uncaughtException', fall);
  }
}
