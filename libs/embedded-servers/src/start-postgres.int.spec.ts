import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client } from 'pg';

import { freePort } from './loopback';
import { identityOf } from './process-identity';
import {
  initPostgres,
  type PostgresOptions,
  type PostgresServer,
  startPostgres,
} from './start-postgres';

describe('the embedded PostgreSQL', () => {
  let made: string;
  let parent: string;
  let dataDir: string;
  let running: PostgresServer[];
  beforeAll(() => {
    made = mkdtempSync(join(tmpdir(), 'writ-postgres-made-'));
    initPostgres({ dataDir: join(made, 'data') });
  });
  afterAll(() => rmSync(made, { recursive: true }));
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'writ-postgres-'));
    dataDir = join(parent, 'data');
    cpSync(made, parent, { recursive: true });
    running = [];
  });
  afterEach(async () => {
    for (const server of running) await server.stop({ immediate: true });
    rmSync(parent, { recursive: true });
  });

  async function start(options: Partial<PostgresOptions> = {}): Promise<PostgresServer> {
    const server = await startPostgres({ dataDir, tetherToParent: true, ...options });
    running.push(server);
    return server;
  }

  async function query(url: string, sql: string): Promise<Array<Record<string, unknown>>> {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  const setting = async (url: string, name: string): Promise<unknown> =>
    (await query(url, `SELECT current_setting('${name}') AS value`))[0]?.['value'];

  test('makes its folder at the first start, whole or not at all', async () => {
    dataDir = join(parent, 'below', 'new');
    mkdirSync(`${dataDir}.new`, { recursive: true });
    writeFileSync(join(`${dataDir}.new`, 'PG_VERSION'), 'half made by a start that died');
    const { url } = await start();
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(existsSync(`${dataDir}.new`)).toBe(false);
  });

  test('listens on loopback only, durable, with its settings', async () => {
    const { url, version } = await start({ settings: { log_statement: 'ddl' } });
    expect(await setting(url, 'listen_addresses')).toBe('127.0.0.1');
    expect(await setting(url, 'unix_socket_directories')).toBe('');
    expect(await setting(url, 'fsync')).toBe('on');
    expect(await setting(url, 'synchronous_commit')).toBe('on');
    expect(await setting(url, 'max_connections')).toBe('200');
    expect(await setting(url, 'wal_level')).toBe('replica');
    expect(await setting(url, 'log_statement')).toBe('ddl');
    expect(await setting(url, 'server_version')).toMatch(version);
  });

  test('asks for a password that only its owner can read', async () => {
    const { url } = await start();
    expect(statSync(`${dataDir}.password`).mode & 0o777).toBe(0o600);
    const wrong = new URL(url);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  test('keeps its data between starts, and frees the folder at its stop', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    await first.stop();
    expect(identityOf(first.pid)).toBeUndefined();
    const second = await start();
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  test('a stop disconnects clients that are in the middle of something', async () => {
    const server = await start();
    const busy = query(server.url, 'SELECT pg_sleep(60)');
    const refused = expect(busy).rejects.toThrow();
    await server.stop();
    await refused;
  });

  test('a lost password file is made again', async () => {
    const first = await start();
    await first.stop();
    rmSync(`${dataDir}.password`);
    const { url } = await start();
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(statSync(`${dataDir}.password`).mode & 0o777).toBe(0o600);
  });

  test('its death by kill -9 is noticed and nothing committed is lost', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    process.kill(first.pid, 'SIGKILL');
    expect((await first.exited).signal).toBe('SIGKILL');
    const second = await start();
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  test('a second start on the same folder is refused', async () => {
    await start();
    await expect(start()).rejects.toMatchObject({ code: 'FOLDER_IN_USE' });
  });

  test('a port that is taken is refused, and the folder stays free', async () => {
    const { port } = await start();
    const elsewhere = join(parent, 'other');
    await expect(start({ dataDir: elsewhere, port })).rejects.toMatchObject({ code: 'PORT_TAKEN' });
    const wanted = await freePort();
    expect((await start({ dataDir: elsewhere, port: wanted })).port).toBe(wanted);
  });

  test('a server that ends at once is an error with its last words, and can be tried again', async () => {
    const started = start({ settings: { shared_buffers: 'plenty' } });
    await expect(started).rejects.toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining('shared_buffers'),
    });
    await start();
  });

  test('a server that is not ready in time is stopped', async () => {
    await expect(start({ startTimeoutMs: 0 })).rejects.toMatchObject({ code: 'START_TIMEOUT' });
    expect(existsSync(join(dataDir, 'postmaster.pid'))).toBe(false);
    await start();
  });

  test('a note that names a stranger does not hurt the stranger', async () => {
    const first = await start();
    await first.stop();
    const stranger = spawn('sleep', ['60']);
    await once(stranger, 'spawn');
    writeFileSync(join(dataDir, 'postmaster.pid'), `${stranger.pid}\n${dataDir}\n1\n5432\n\n\n`);
    await start();
    expect(identityOf(stranger.pid!)).toBeDefined();
    stranger.kill('SIGKILL');
  });

  test('a folder with other files in it is left alone', async () => {
    dataDir = join(parent, 'mine');
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'thesis.txt'), 'years of work');
    await expect(start()).rejects.toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining('no PostgreSQL data folder'),
    });
    expect(existsSync(join(dataDir, 'thesis.txt'))).toBe(true);
  });

  test('a folder written by a version that is not here is refused', async () => {
    writeFileSync(join(dataDir, 'PG_VERSION'), '9\n');
    await expect(start()).rejects.toMatchObject({
      code: 'VERSION_MISMATCH',
      message: expect.stringContaining('Install version 9'),
    });
  });
});
