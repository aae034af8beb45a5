/** The log through its own client, as the database's administrator: to fill it and to look at it. */
import { openPostgresLog, type PostgresLog, type PostgresLogOptions } from '@writ/event-log';

export async function withLog<T>(
  url: string,
  work: (log: PostgresLog) => Promise<T>,
  limits: PostgresLogOptions['limits'] = {},
): Promise<T> {
  const log = await openLog(url, limits);
  try {
    return await work(log);
  } finally {
    await log.close();
  }
}

export function openLog(
  url: string,
  limits: PostgresLogOptions['limits'] = {},
): Promise<PostgresLog> {
  // The administrator lacks the limits that services have, as it should be; nobody is to be told.
  return openPostgresLog({ url, applicationName: 'bench', limits, warn: () => undefined });
}
