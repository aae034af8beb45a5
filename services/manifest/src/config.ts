/** The manifest service's environment. */
import { processVariables, readEnvironment, serviceVariables, variable } from '@writ/observability';
import { z } from 'zod';

export const environment = z.object({
  ...processVariables,
  DATABASE_URL: serviceVariables.DATABASE_URL,
  NATS_URL: serviceVariables.NATS_URL,
  NATS_TOKEN: serviceVariables.NATS_TOKEN,
  WRIT_CONTENT_DIR: serviceVariables.WRIT_CONTENT_DIR,
  WRIT_DATA_DIR: serviceVariables.WRIT_DATA_DIR,
  WRIT_NICE: variable(z.coerce.number().int().min(0).max(19).default(10), {
    means: 'how far the service stands back when processors are short: 0 not at all, 19 wholly',
    example: '10',
  }),
});

export type ManifestConfig = z.infer<typeof environment>;

export const readConfig = (): ManifestConfig => readEnvironment(environment);
