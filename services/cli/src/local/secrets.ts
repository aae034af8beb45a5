/**
 * Passwords of the database roles and the token of NATS, kept for their owner alone.
 *
 * The roles belong to a whole PostgreSQL server, and each start sets their passwords. On a server of
 * its own a stack makes them up. On one that others use as well (`DATABASE_URL`) they follow from the
 * administrator's password, so that every stack that may set them sets the same; without one in the
 * address, or for other passwords, `WRIT_<SERVICE>_PASSWORD` names them.
 */
import { createHmac, randomBytes, scryptSync } from 'node:crypto';
import { chmodSync } from 'node:fs';

import { readJsonFile, writeJson } from './keep-json';
import { databaseServices, type StackHome } from './stack-home';

export interface Secrets {
  readonly natsToken: string;
  /** By service. */
  readonly passwords: Readonly<Record<string, string>>;
}

export const passwordVariable = (service: string) => `WRIT_${service.toUpperCase()}_PASSWORD`;

export function loadSecrets(home: StackHome, env: NodeJS.ProcessEnv = process.env): Secrets {
  const kept = readJsonFile(home.secretsFile) as Partial<Secrets> | undefined;
  const make = () => randomBytes(24).toString('hex');
  const derived = derivedPasswords(env);
  const passwords = databaseServices.map((name) => [
    name,
    env[passwordVariable(name)] || derived?.(name) || kept?.passwords?.[name] || make(),
  ]);
  const secrets: Secrets = {
    natsToken: kept?.natsToken ?? make(),
    passwords: Object.fromEntries(passwords) as Record<string, string>,
  };
  writeJson(home.secretsFile, secrets);
  chmodSync(home.secretsFile, 0o600);
  return secrets;
}

/** Slow to compute, so that a role's password is no quick way to guess the administrator's. */
function derivedPasswords(env: NodeJS.ProcessEnv): ((service: string) => string) | undefined {
  const url = env['DATABASE_URL'];
  if (!url || !URL.canParse(url)) return undefined;
  const administrator = decodeURIComponent(new URL(url).password) || env['PGPASSWORD'];
  if (!administrator) return undefined;
  const key = scryptSync(administrator, 'writ database roles', 32);
  return (service) => createHmac('sha256', key).update(service).digest('hex').slice(0, 48);
}
