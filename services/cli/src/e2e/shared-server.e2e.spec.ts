/** Two stacks on one PostgreSQL server, as on a machine where a database runs already. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PostgresServer, startPostgres } from '@writ/embedded-servers';
import { eventually, TestStack } from '@writ/testing';
import { Client } from 'pg';

let folder: string;
let server: PostgresServer;
const stacks: TestStack[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'writ-shared-'));
  server = await startPostgres({ dataDir: join(folder, 'postgres') });
  const client = new Client({ connectionString: server.url });
  await client.connect();
  await client.query('create database one');
  await client.query('create database two');
  await client.end();
}, 120_000);

afterAll(async () => {
  for (const stack of stacks) await stack.stop();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 120_000);

const addressOf = (database: string) => {
  const url = new URL(server.url);
  url.pathname = `/${database}`;
  return url.href;
};

const hello = (stack: TestStack) => {
  const file = join(stack.home, 'hello.json');
  const steps = [{ name: 'one', adapter: { kind: 'echo' }, verify: 'none' }];
  writeFileSync(file, JSON.stringify({ title: 't', goal: 'g', chain: { steps } }));
  return stack.writ(['run', file, '--json']);
};

it('works for both: neither takes the passwords of the roles from the other', async () => {
  const first = await TestStack.start({ DATABASE_URL: addressOf('one') });
  stacks.push(first);
  const second = await TestStack.start({ DATABASE_URL: addressOf('two') });
  stacks.push(second);
  // A process that starts again has to log in anew.
  const before = (await first.file()).processes['planner']!;
  await first.kill('planner');
  await eventually(
    async () => {
      const { pid, httpUrl } = (await first.file()).processes['planner']!;
      return pid !== before.pid && (await fetch(`${httpUrl}/readyz`)).ok;
    },
    { what: 'the planner of the first to be ready again', timeoutMs: 30_000, every: 100 },
  );
  expect(await hello(first)).toMatchObject({ code: 0 });
  expect(await hello(second)).toMatchObject({ code: 0 });
}, 240_000);
