/**
 * The record as a whole, by what operators have: `log verify`, `rebuild --check`; and without believing
 * the second: the rows of every read model before and after they were built anew, byte for byte.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { LogVerification, RebuildReport } from '@writ/contracts';
import type { Client } from 'pg';

const cli = join(__dirname, '..', '..', 'cli', 'dist', 'main.js');
const COMMAND_LIMIT_MS = 120_000;

/** It must not hide what else was found. */
const notAnswered = (error: Error) => [`nobody can say: ${error.message}`];

export async function brokenRecord(client: Client, gatewayUrl: string): Promise<string[]> {
  return [
    ...(await brokenRebuild(gatewayUrl).catch(notAnswered)),
    ...(await brokenRows(client, gatewayUrl).catch(notAnswered)),
    ...(await brokenChain(gatewayUrl).catch(notAnswered)),
  ];
}

async function brokenRebuild(gatewayUrl: string): Promise<string[]> {
  const { projections } = await writ<RebuildReport>(gatewayUrl, ['rebuild', '--check', '--json']);
  return projections
    .filter(({ equal }) => !equal)
    .map(({ name }) => `the read model ${name} is not what a rebuild gives`);
}

async function brokenRows(client: Client, gatewayUrl: string): Promise<string[]> {
  const before = await readModels(client);
  await writ<RebuildReport>(gatewayUrl, ['rebuild', '--json']);
  const after = await readModels(client);
  return [...before].flatMap(([table, digest]) =>
    digest === after.get(table) ? [] : [`the rows of ${table} changed when it was built anew`],
  );
}

/** State of the moment, and places up to which others have come: not made from the log. */
const notFromTheLog = ['checkpoint', 'signed_checkpoints', 'lease', 'reservation'];

/** Table -> digest of its rows. Only in peace do two looks see the same. */
async function readModels(client: Client): Promise<Map<string, string>> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select table_schema || '.' || table_name as name from information_schema.tables
     where table_schema in ('planner', 'executor', 'verifier', 'manifest')
       and not table_name = any($1) order by name`,
    [notFromTheLog],
  );
  const digests = new Map<string, string>();
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: string }>(
      `select it::text as row from ${name} it order by it::text collate "C"`,
    );
    const text = rows.map(({ row }) => row).join('\n');
    digests.set(name, createHash('sha256').update(text).digest('hex'));
  }
  return digests;
}

async function brokenChain(gatewayUrl: string): Promise<string[]> {
  const { ok, firstBad } = await writ<LogVerification>(gatewayUrl, ['log', 'verify', '--json']);
  return ok ? [] : [`log verify finds position ${firstBad?.position}: ${firstBad?.reason}`];
}

/** What the command prints; its exit code says nothing that is not in there. */
function writ<T>(gatewayUrl: string, argv: string[]): Promise<T> {
  const env = { ...process.env, WRIT_URL: gatewayUrl, NO_COLOR: '1' };
  return new Promise((resolve, reject) => {
    const options = { env, timeout: COMMAND_LIMIT_MS, maxBuffer: 64 * 1024 * 1024 };
    execFile(process.execPath, [cli, ...argv], options, (error, stdout, stderr) => {
      if (stdout.startsWith('{')) resolve(JSON.parse(stdout) as T);
      else reject(new Error(`writ ${argv.join(' ')}: ${stderr.trim() || error?.message}`));
    });
  });
}
