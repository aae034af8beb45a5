/**
 * A process that has its code loaded before there is anything to do: what started it says on standard
 * input, in one line of JSON, with which variables it begins. Loading takes longer than all else of a
 * start, and can happen while servers start and migrations run.
 */
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { readEnvironment, variable } from './environment';

const schema = z.object({
  WRIT_STANDBY: variable(z.literal('1').optional(), {
    means:
      'that further variables come over standard input, as one line of JSON, and to wait for them',
    example: '1',
  }),
});

/**
 * Waits, where the environment says so, and adds what it is told to the environment. There is no
 * limit: it ends with the input. False when whoever started it is gone.
 */
export async function standBy(
  env: NodeJS.ProcessEnv = process.env,
  input: NodeJS.ReadableStream = process.stdin,
): Promise<boolean> {
  if (readEnvironment(schema, env).WRIT_STANDBY === undefined) return true;
  const lines = createInterface({ input });
  for await (const line of lines) {
    Object.assign(env, z.record(z.string(), z.string()).parse(JSON.parse(line)));
    return true;
  }
  return false;
}
