/** The environment of the gateway. */
import { processVariables, readEnvironment, serviceVariables, variable } from '@writ/observability';
import { z } from 'zod';

import { isLoopbackHost } from './http/access';

export const environment = z.object({
  NATS_URL: serviceVariables.NATS_URL,
  NATS_TOKEN: serviceVariables.NATS_TOKEN,
  ...processVariables,
  WRIT_TOKEN: variable(z.string().min(16, 'has fewer than 16 characters').max(1000).optional(), {
    means: 'the token that every request needs; without it only loopback is served',
    example: 'the output of: openssl rand -hex 32',
    secret: true,
  }),
});
export type Config = z.infer<typeof environment>;

/** Throws EnvironmentError with every bad variable, or an Error that names the cure. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const config = readEnvironment(environment, env);
  const { HTTP_HOST: host, WRIT_TOKEN: token } = config;
  const written = host.includes(':') ? `[${host}]` : host;
  if (token === undefined && !isLoopbackHost(written)) {
    throw new Error(
      `HTTP_HOST is ${host}, which others can reach, and WRIT_TOKEN is not set: set WRIT_TOKEN, or HTTP_HOST=127.0.0.1`,
    );
  }
  return config;
}
