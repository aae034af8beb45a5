/** The executor's environment. */
import { availableParallelism } from 'node:os';
import {
  outboundVariables,
  processVariables,
  programVariables,
  readEnvironment,
  serviceVariables,
  variable,
  workerVariables,
} from '@writ/observability';
import { z } from 'zod';
import { placeKinds, type PlaceKind } from './places';

const PLACE = new RegExp(`^(${[...placeKinds, 'all'].join('|')})=([1-9]\\d{0,4})$`);

const placeNumbers = z
  .string()
  .default('')
  .transform((text) => text.split(',').flatMap((entry) => entry.trim() || []))
  .refine(
    (all) => all.every((entry) => PLACE.test(entry)),
    'holds something that is no kind=number',
  )
  .transform((all): Partial<Record<PlaceKind | 'all', number>> =>
    Object.fromEntries(all.map((entry) => [entry.split('=')[0], Number(entry.split('=')[1])])),
  );

export const environment = z.object({
  ...processVariables,
  DATABASE_URL: serviceVariables.DATABASE_URL,
  NATS_URL: serviceVariables.NATS_URL,
  NATS_TOKEN: serviceVariables.NATS_TOKEN,
  WRIT_CONTENT_DIR: serviceVariables.WRIT_CONTENT_DIR,
  WRIT_DATA_DIR: serviceVariables.WRIT_DATA_DIR,
  WRIT_CONCURRENCY: variable(
    z.coerce
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(() => availableParallelism() * 32),
    {
      means: 'how many messages are worked on at a time, besides those that run programs',
      example: '16',
    },
  ),
  WRIT_MAX_PROGRAMS: variable(
    z.coerce
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(() => availableParallelism() * 2),
    {
      means: 'how many programs run at a time; others wait for this or another executor',
      example: '8',
    },
  ),
  WRIT_SLOTS: variable(placeNumbers, {
    means:
      'how many steps of a kind are carried out at a time (program, shell, http, worker), and of ' +
      'all kinds together (all); others wait in the queue',
    example: 'program=4,worker=50,all=60',
  }),
  ...workerVariables,
  ...outboundVariables,
  ...programVariables,
  WRIT_MAX_OUTPUT_BYTES: variable(
    z.coerce
      .number()
      .int()
      .min(1024)
      .default(1024 ** 3),
    {
      means: 'how many bytes a file may have that stdout is kept in (stdoutTo)',
      example: '1073741824',
    },
  ),
  WRIT_LEASE_MS: variable(z.coerce.number().int().min(1_000).max(600_000).default(10_000), {
    means: 'after how long without a sign of life another executor takes a run over',
    example: '10000',
  }),
});

export type ExecutorConfig = z.infer<typeof environment>;

export const readConfig = (env?: Readonly<Record<string, string>>): ExecutorConfig =>
  readEnvironment(environment, env);
