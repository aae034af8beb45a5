/** The executor's environment. */
import { availableParallelism } from 'node:os';
import { processVariables, readEnvironment, serviceVariables, variable } from '@writ/observability';
import { z } from 'zod';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

const names = z
  .string()
  .default('')
  .transform((text) => text.split(',').flatMap((name) => name.trim() || []))
  .refine(
    (all) => all.every((name) => NAME.test(name)),
    'holds something that is no name of a variable',
  );

const paths = z
  .string()
  .default('')
  .transform((text) => text.split(':').filter((path) => path !== ''))
  .refine((all) => all.every((path) => path.startsWith('/')), 'holds a path that is not absolute');

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
  WRIT_SANDBOX: variable(z.enum(['auto', 'bwrap', 'namespace', 'none']).default('auto'), {
    means:
      'in which sandbox programs run: bwrap, namespace, none, or auto for the strongest that works',
    example: 'bwrap',
  }),
  WRIT_SANDBOX_NETWORK: variable(z.enum(['on', 'off']).default('off'), {
    means: 'whether programs in bubblewrap reach the network',
    example: 'on',
  }),
  WRIT_SANDBOX_PATHS: variable(paths, {
    means: 'folders, divided by colons, that every program may read besides those of the system',
    example: '/opt/tools:/srv/models',
  }),
  WRIT_PASS_ENV: variable(names, {
    means: 'names, divided by commas, of variables of the executor that programs get too',
    example: 'HTTP_PROXY,DBT_TARGET',
  }),
  WRIT_SECRET_ENV: variable(names, {
    means: 'names, divided by commas, of variables whose values are taken out of everything kept',
    example: 'GITHUB_TOKEN,DBT_PASSWORD',
  }),
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
