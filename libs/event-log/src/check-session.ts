/**
 * Looks at the settings that a session of the log has in the end, wherever they were set: a commit
 * that does not wait for the disk would acknowledge what a power cut takes back.
 */
import type { Client } from 'pg';
import { roleSettings } from './service-roles';

const mustBeLimited = [
  'lock_timeout',
  'statement_timeout',
  'idle_in_transaction_session_timeout',
  'client_connection_check_interval',
] as const;

const mustBeSo = [
  'synchronous_commit',
  'default_transaction_isolation',
  'server_encoding',
  'fsync',
] as const;

/**
 * Throws when commits would not be durable or the append function not see the last one; returns a
 * sentence, with the cure, for everything else that is not as it should be.
 */
export async function checkSession(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string; value: string; role: string }>(
    `select name, current_setting(name) as value, current_user as role from unnest($1::text[]) name`,
    [[...mustBeSo, ...mustBeLimited]],
  );
  const settings = new Map(rows.map(({ name, value }) => [name, value]));
  const role = rows[0]?.role ?? '';
  if (settings.get('synchronous_commit') === 'off') {
    throw new Error(
      `synchronous_commit is off for ${role}: an append would be acknowledged before it is on ` +
        `disk; run: alter role ${role} set synchronous_commit = on`,
    );
  }
  const isolation = settings.get('default_transaction_isolation');
  if (isolation !== 'read committed') {
    throw new Error(
      `default_transaction_isolation is ${isolation} for ${role}: an append would not see what was ` +
        `committed while it waited; run: ` +
        `alter role ${role} set default_transaction_isolation = 'read committed'`,
    );
  }
  if (settings.get('server_encoding') !== 'UTF8') {
    throw new Error(
      'the database is not in UTF8; create it with: encoding UTF8 template template0',
    );
  }
  const warnings = mustBeLimited
    .filter((name) => settings.get(name) === '0')
    .map(
      (name) =>
        `${name} is not set for ${role}, so that a stuck client could hold the log for ever; ` +
        `run: alter role ${role} set ${name} = '${roleSettings[name]}'`,
    );
  if (settings.get('fsync') === 'off') {
    warnings.push('fsync is off: a power cut may lose or ruin the log; set fsync = on');
  }
  return warnings;
}
