/**
 * Where secrets must not be: every place in which something is kept or shown. Looks at bytes, at rest;
 * what the database holds is asked for as text, since it packs long ones.
 */
import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Client } from 'pg';
import { type Canary, marksOf, secretsIn } from './canaries';
import type { Harness } from './harness';

/** Below the home of the stack: artifacts, logs, workspaces and pipes, the files of NATS. */
const places = ['content', 'logs', 'data', 'nats', 'tmp'];
const PIECE_BYTES = 4 * 1024 * 1024;

export async function keptSecrets(harness: Harness, client: Client): Promise<string[]> {
  const secrets = [...harness.canaries, ...harness.credentials];
  const inFiles: string[] = [];
  for (const file of [...places, '../repository'].flatMap((it) =>
    filesIn(join(harness.home, it)),
  )) {
    inFiles.push(...(await secretsInFile(file, secrets, relative(harness.folder, file))));
  }
  return [
    ...inFiles,
    ...(await secretsInTables(client, secrets)),
    ...(await secretsInMetrics(harness, secrets)),
  ];
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((it) => it.isFile()).map((it) => join(it.parentPath, it.name));
}

/** Pieces overlap by the longest form, so that none hides between two. */
async function secretsInFile(
  path: string,
  secrets: readonly Canary[],
  name: string,
): Promise<string[]> {
  const longest = Math.max(
    ...secrets.flatMap(({ value }) => marksOf(value)).map((it) => it.length),
  );
  const found = new Set<string>();
  let before = Buffer.alloc(0);
  try {
    for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES })) {
      const bytes = Buffer.concat([before, piece as Buffer]);
      for (const line of secretsIn(bytes, secrets, name)) found.add(line);
      before = bytes.subarray(-longest);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // gone meanwhile
  }
  return [...found];
}

async function secretsInTables(client: Client, secrets: readonly Canary[]): Promise<string[]> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select table_schema || '.' || table_name as name from information_schema.tables
     where table_schema in ('log', 'planner', 'executor', 'verifier', 'manifest')`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    found.push(...(await secretsInRows(client, secrets, name, 'it::text')));
  }
  const content = `convert_from(bytes, 'LATIN1')`;
  return [...found, ...(await secretsInRows(client, secrets, 'content.object', content))];
}

async function secretsInRows(
  client: Client,
  secrets: readonly Canary[],
  table: string,
  text: string,
): Promise<string[]> {
  const found: string[] = [];
  for (const { name, value } of secrets) {
    const { rows } = await client.query<{ count: string }>(
      `select count(*) from ${table} it
       where exists (select from unnest($1::text[]) mark where position(mark in ${text}) > 0)`,
      [marksOf(value)],
    );
    if (Number(rows[0]?.count) > 0) found.push(`${rows[0]?.count} rows of ${table} hold ${name}`);
  }
  return found;
}

async function secretsInMetrics(harness: Harness, secrets: readonly Canary[]): Promise<string[]> {
  const all = [...harness.services.values()].map(async ({ name, httpUrl }) => {
    const pages = ['metrics', 'readyz', 'healthz'].map(async (page) => {
      const response = await fetch(`${httpUrl}/${page}`, { signal: AbortSignal.timeout(10_000) });
      return secretsIn(Buffer.from(await response.text()), secrets, `/${page} of ${name}`);
    });
    return (await Promise.all(pages)).flat();
  });
  return (await Promise.all(all)).flat();
}
