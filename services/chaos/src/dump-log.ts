/** The whole log as lines of JSON, for whoever looks into a run later. */
import { appendFileSync } from 'node:fs';
import { Client } from 'pg';

const PAGE = 5_000;

export async function dumpLog(databaseUrl: string, file: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (let after = 0; ; after += PAGE) {
      const { rows } = await client.query<{ line: string }>(
        `select row_to_json(event)::text as line from log.event
         where position > $1 and position <= $2 order by position`,
        [after, after + PAGE],
      );
      if (rows.length === 0) return;
      appendFileSync(file, rows.map(({ line }) => `${line}\n`).join(''));
    }
  } finally {
    await client.end();
  }
}
