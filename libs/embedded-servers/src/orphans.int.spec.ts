// What becomes of a server when the process that started it is killed without a word.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { Client } from 'pg';

import { identityOf, isSameProcessAlive, type ProcessIdentity } from './process-identity';
import { startNats } from './start-nats';
import { startPostgres } from './start-postgres';
import { waitUntil } from './wait-until';

/** Starts a server from the sources and lives until it is killed. */
const OWNER = `
  const { transformFileSync } = require('@swc/core');
  const compiled = { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } };
  require.extensions['.ts'] = (module, file) => module._compile(
    transformFileSync(file, { ...compiled, module: { type: 'commonjs' } }).code, file);
  const [index, start, options] = process.argv.slice(1);
  setInterval(() => {}, 1000);
  require(index)[start](JSON.parse(options)).then(
    ({ pid, url }) => console.log(JSON.stringify({ pid, url })),
    (error) => { console.error(error); process.exit(1); });
`;

describe('a server whose owner was killed', () => {
  let parent: string;
  let owners: ChildProcess[];
  let servers: ProcessIdentity[];
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'writ-orphan-'));
    owners = [];
    servers = [];
  });
  afterEach(async () => {
    await Promise.all(owners.map(kill));
    // Only when a test failed.
    for (const server of servers.filter(isSameProcessAlive)) process.kill(server.pid, 'SIGKILL');
    rmSync(parent, { recursive: true, maxRetries: 5 });
  });

  async function owner(
    start: 'startPostgres' | 'startNats',
    options: object,
    env: NodeJS.ProcessEnv = process.env,
  ): Promise<{ owner: ChildProcess; pid: number; url: string }> {
    const args = ['-e', OWNER, join(__dirname, 'index.ts'), start, JSON.stringify(options)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
    owners.push(child);
    const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
    const server = JSON.parse(line) as { pid: number; url: string };
    servers.push(identityOf(server.pid)!);
    return { owner: child, ...server };
  }

  async function kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  const ends = (pid: number): Promise<boolean> =>
    waitUntil(() => identityOf(pid) === undefined, 10_000);

  async function query(url: string, sql: string): Promise<unknown[]> {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  test('PostgreSQL on a tether ends with it, and leaves a clean folder', async () => {
    const dataDir = join(parent, 'data');
    const first = await owner('startPostgres', { dataDir, tetherToParent: true });
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await kill(first.owner);
    expect(await ends(first.pid)).toBe(true);
    const lines: string[] = [];
    const second = await startPostgres({ dataDir, log: (line) => lines.push(line) });
    expect(lines.join('\n')).not.toMatch(/not properly shut down|left running/);
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    await second.stop();
  });

  test('NATS on a tether ends with it', async () => {
    const options = { storeDir: join(parent, 'store'), tetherToParent: true };
    const { owner: first, pid } = await owner('startNats', options);
    await kill(first);
    expect(await ends(pid)).toBe(true);
  });

  test('a tether holds where the kernel cannot do it', async () => {
    const options = { storeDir: join(parent, 'store'), tetherToParent: true };
    const nothingOnPath = { ...process.env, PATH: parent };
    const { owner: first, pid } = await owner('startNats', options, nothingOnPath);
    await kill(first);
    expect(await ends(pid)).toBe(true);
  });

  test('PostgreSQL without a tether stays, and the next start takes its place', async () => {
    const dataDir = join(parent, 'data');
    const first = await owner('startPostgres', { dataDir });
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await kill(first.owner);
    expect(await query(first.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    const lines: string[] = [];
    const second = await startPostgres({ dataDir, log: (line) => lines.push(line) });
    expect(lines[0]).toContain(`stopping PostgreSQL (pid ${first.pid})`);
    expect(identityOf(first.pid)).toBeUndefined();
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    await second.stop();
  });

  test('the next start finds an orphan by its own note when ours is lost', async () => {
    const dataDir = join(parent, 'data');
    const first = await owner('startPostgres', { dataDir });
    await kill(first.owner);
    rmSync(`${dataDir}.owner.json`);
    const second = await startPostgres({ dataDir });
    expect(identityOf(first.pid)).toBeUndefined();
    await second.stop();
  });

  test('NATS without a tether stays, and the next start takes its place', async () => {
    const storeDir = join(parent, 'store');
    const first = await owner('startNats', { storeDir });
    await kill(first.owner);
    expect(identityOf(first.pid)).toBeDefined();
    const second = await startNats({ storeDir });
    expect(identityOf(first.pid)).toBeUndefined();
    await second.stop();
  });

  test('a server whose owner lives is not taken away', async () => {
    const dataDir = join(parent, 'data');
    const first = await owner('startPostgres', { dataDir, tetherToParent: true });
    await expect(startPostgres({ dataDir })).rejects.toMatchObject({
      code: 'FOLDER_IN_USE',
      message: expect.stringContaining(`process ${first.owner.pid}`),
    });
    expect(await query(first.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await kill(first.owner);
    expect(await ends(first.pid)).toBe(true);
  });

  const asRoot = process.getuid?.() === 0 ? test : test.skip;
  asRoot('root without user namespaces runs PostgreSQL as user 65534', async () => {
    chmodSync(parent, 0o755);
    const options = { dataDir: join(parent, 'data'), tetherToParent: true };
    const nothingOnPath = { ...process.env, PATH: parent };
    const first = await owner('startPostgres', options, nothingOnPath);
    expect(statSync(join(options.dataDir, 'postmaster.pid')).uid).toBe(65534);
    expect(await query(first.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await kill(first.owner);
    expect(await ends(first.pid)).toBe(true);
    // And back: the folder now belongs to 65534 and is handed over.
    const second = await startPostgres({ dataDir: options.dataDir });
    await second.stop();
  });
});
