/**
 * The variables that several services read, defined once. A service takes those it needs:
 * `z.object({ NATS_URL: serviceVariables.NATS_URL, ...httpVariables, ... })`.
 */
import { hostname } from 'node:os';
import { z } from 'zod';
import { variable } from './environment';
import { logLevels } from './logger';

const address = (...schemes: string[]) =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)),
      `is not an address that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    );

const folder = (means: string, example: string) => variable(z.string(), { means, example });

export const serviceVariables = {
  DATABASE_URL: variable(address('postgres', 'postgresql'), {
    means: 'which PostgreSQL database holds the event log, and as which role to log in',
    example: 'postgres://writ_planner:secret@127.0.0.1:5432/writ',
    secret: true,
  }),
  NATS_URL: variable(address('nats', 'tls'), {
    means: 'where the NATS server with JetStream is',
    example: 'nats://127.0.0.1:4222',
    secret: true,
  }),
  NATS_TOKEN: variable(z.string().optional(), {
    means: 'the token that NATS asks for, if it asks for one',
    example: 's3cret',
    secret: true,
  }),
  WRIT_CONTENT_DIR: folder('the folder that holds bytes by digest', '/var/lib/writ/content'),
  WRIT_DATA_DIR: folder('the folder for what the service keeps for itself', '/var/lib/writ/data'),
};

const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

const names = z
  .string()
  .default('')
  .transform((text) => text.split(',').flatMap((name) => name.trim() || []))
  .refine(
    (all) => all.every((name) => VARIABLE_NAME.test(name)),
    'holds something that is no name of a variable',
  );

const paths = z
  .string()
  .default('')
  .transform((text) => text.split(':').filter((path) => path !== ''))
  .refine((all) => all.every((path) => path.startsWith('/')), 'holds a path that is not absolute');

/** Services that run programs read these; `ProgramSettings` of `@writ/programs`. */
export const programVariables = {
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
    means: 'names, divided by commas, of variables of the service that programs get too',
    example: 'HTTP_PROXY,DBT_TARGET',
  }),
  WRIT_SECRET_ENV: variable(names, {
    means: 'names, divided by commas, of variables whose values are taken out of everything kept',
    example: 'GITHUB_TOKEN,DBT_PASSWORD',
  }),
};

const addresses = z
  .string()
  .default('public')
  .transform((text) => text.split(',').flatMap((entry) => entry.trim() || []));

/** Services that ask others over HTTP read these; `AllowList` of `@writ/outbound-http`. */
export const outboundVariables = {
  WRIT_HTTP_ALLOW: variable(addresses, {
    means:
      'whom steps and checks may ask over HTTP, divided by commas, and nobody else: public for all ' +
      'public addresses, hosts, *.domains, IP addresses and ranges, each with :port or without',
    example: 'public,127.0.0.1:8080,registry.internal',
  }),
};

/** Services that hand work to workers read these. */
export const workerVariables = {
  WRIT_WORKER_SILENCE_MS: variable(
    z.coerce.number().int().min(1_000).max(600_000).default(20_000),
    {
      means: 'after how long without a sign of life a worker that has taken work counts as dead',
      example: '20000',
    },
  ),
};

/** Every service reads these. */
export const processVariables = {
  HTTP_HOST: variable(z.string().default('127.0.0.1'), {
    means: 'the address on which health, metrics and the API are served',
    example: '0.0.0.0',
  }),
  HTTP_PORT: variable(z.coerce.number().int().min(0).max(65_535).default(0), {
    means: 'the port for it; 0 takes any free one',
    example: '9101',
  }),
  LOG_LEVEL: variable(z.enum(logLevels).default('info'), {
    means: `how much is logged: ${logLevels.join(', ')}`,
    example: 'debug',
  }),
  SERVICE_INSTANCE: variable(
    z
      .string()
      .max(200)
      .optional()
      .transform((name) => name ?? `${hostname()}-${process.pid}`),
    {
      means: 'the name of this process among its replicas (host and process id)',
      example: 'planner-1',
    },
  ),
};
