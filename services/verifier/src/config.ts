/** The verifier's environment. */
import {
  outboundVariables,
  processVariables,
  programVariables,
  readEnvironment,
  serviceVariables,
  workerVariables,
} from '@writ/observability';
import { z } from 'zod';

export const environment = z.object({
  ...processVariables,
  DATABASE_URL: serviceVariables.DATABASE_URL,
  NATS_URL: serviceVariables.NATS_URL,
  NATS_TOKEN: serviceVariables.NATS_TOKEN,
  WRIT_CONTENT_DIR: serviceVariables.WRIT_CONTENT_DIR,
  WRIT_DATA_DIR: serviceVariables.WRIT_DATA_DIR,
  ...programVariables,
  ...outboundVariables,
  ...workerVariables,
});

export type VerifierConfig = z.infer<typeof environment>;

export const readConfig = (env?: Readonly<Record<string, string>>): VerifierConfig =>
  readEnvironment(environment, env);
