/** Passwords of the database roles and the token of NATS: made once, kept for their owner alone. */
import { randomBytes } from 'node:crypto';
import { chmodSync } from 'node:fs';

import { readJsonFile, writeJson } from './keep-json';
import { databaseServices, type StackHome } from './stack-home';

export interface Secrets {
  readonly natsToken: string;
  /** By service. */
  readonly passwords: Readonly<Record<string, string>>;
}

export function loadSecrets(home: StackHome): Secrets {
  const kept = readJsonFile(home.secretsFile) as Partial<Secrets> | undefined;
  const make = () => randomBytes(24).toString('hex');
  const secrets: Secrets = {
    natsToken: kept?.natsToken ?? make(),
    passwords: Object.fromEntries(
      databaseServices.map((name) => [name, kept?.passwords?.[name] ?? make()]),
    ),
  };
  writeJson(home.secretsFile, secrets);
  chmodSync(home.secretsFile, 0o600);
  return secrets;
}
