/**
 * Brings a database up to date and ends: before the services start, by one command, never by a
 * service. Several at once do no harm. Exit codes: 0 done, 1 not done.
 */
import { migrate } from '@writ/event-log';
import { readConfig } from './config';

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const { roles, applied } = await migrate(config);
  const lines = [
    ...roles.map((role) => `created the role ${role}`),
    ...applied.map((migration) => `applied ${migration}`),
  ];
  if (applied.length === 0) lines.push('the database was up to date already');
  process.stdout.write(`${lines.join('\n')}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`migrator: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
