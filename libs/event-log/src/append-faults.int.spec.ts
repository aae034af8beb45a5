import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { emptyDatabase, eventually, testDatabase, type TestDatabase } from '@writ/testing';
import { Client } from 'pg';
import type { EventLog, StoredEvent } from './event-log';
import { event } from './event-log.conformance';
import { LogBusy, LogUnavailable } from './log-errors';
import { openPostgresLog, type PostgresLogOptions } from './postgres-log';

let database: TestDatabase;
let admin: Client;
const opened: { close(): Promise<unknown> }[] = [];

beforeAll(async () => {
  database = await testDatabase();
  admin = await session(database.adminUrl);
});

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

afterAll(async () => {
  await admin.end();
  await database.drop();
});

describe('a reply that is lost', () => {
  it('is asked for again, and the event is there once', async () => {
    const { log, link } = await logOverLink();
    await append(log, 'run-lost', 0);
    const before = (await log.head()).position;
    link.swallowNextReply();

    const [stored] = await append(log, 'run-lost', 1);

    expect(stored).toMatchObject({ version: 2, position: before + 1 });
    expect(await log.readStream('run-lost', { afterVersion: 1 })).toEqual([stored]);
    expect(link.swallowed).toBe(1);
  });

  it('is asked for again over a link that has gone silent', async () => {
    const { log, link } = await logOverLink({ replyTimeoutMs: 300 });
    await append(log, 'run-silent', 0);
    link.goSilent();
    const [stored] = await append(log, 'run-silent', 1);
    expect(await log.readStream('run-silent', { afterVersion: 1 })).toEqual([stored]);
  });

  it('does not make two events, however often connections are killed', async () => {
    const logs = [await open(), await open()];
    let killing = true;
    let killed = 0;
    const killer = (async () => {
      while (killing) {
        const { rowCount } = await admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid() and random() < 0.5`,
        );
        killed += rowCount ?? 0;
        await admin.query('select pg_sleep(0.02)');
      }
    })();
    const work = async (writer: number) => {
      let version = 0;
      for (; version < 40 || killed < 10; version += 1) {
        await append(logs[writer % 2]!, `run-killed-${writer}`, version);
      }
      return version;
    };
    const versions = await Promise.all([0, 1, 2, 3, 4, 5].map(work));
    killing = false;
    await killer;
    for (const [writer, version] of versions.entries()) {
      const [last] = await logs[0]!.lastEvents([`run-killed-${writer}`]);
      expect(last?.version).toBe(version);
    }
    await expectNoGap();
  });
});

describe('a database that is away', () => {
  it('is waited for: what was appended meanwhile goes in when it is back', async () => {
    const { log, link } = await logOverLink();
    await append(log, 'run-away', 0);
    await link.down();
    const waiting = append(log, 'run-away', 1);
    await eventually(() => link.refused > 0, { what: 'an attempt to connect' });
    await link.up();
    expect(await waiting).toMatchObject([{ version: 2 }]);
  });

  it('is not waited for longer than the deadline', async () => {
    const { log, link } = await logOverLink({ limits: { deadlineMs: 400 }, readDeadlineMs: 400 });
    await link.down();
    const began = performance.now();
    await expect(append(log, 'run-never', 0)).rejects.toBeInstanceOf(LogUnavailable);
    await expect(log.readStream('run-never')).rejects.toBeInstanceOf(LogUnavailable);
    expect(performance.now() - began).toBeLessThan(3_000);
    await link.up();
    expect(await append(log, 'run-never', 0)).toHaveLength(1);
  });

  it('does not let appends pile up without end', async () => {
    const { log, link } = await logOverLink({ limits: { deadlineMs: 500, queueAppends: 3 } });
    await link.down();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, (_, index) => append(log, `run-pile-${index}`, 0)),
    );
    const reasons = outcomes.map((it) => (it as PromiseRejectedResult).reason as Error);
    expect(reasons.filter((reason) => reason instanceof LogUnavailable)).toHaveLength(3);
    expect(reasons.filter((reason) => reason instanceof LogBusy)).toHaveLength(3);
    await link.up();
  });
});

describe('whoever holds the head row', () => {
  const hold = (more = '') =>
    `select log.append('{run-holder}', '{0}', '{1}', array[gen_random_uuid()], '{Held}', '{1}',
       '{"{}"}', '{"{}"}')${more}`;

  it('and stops in a transaction is thrown out, and the others go on', async () => {
    const log = await open();
    const stopped = await session(database.urlFor('executor'));
    stopped.on('error', () => undefined);
    await stopped.query(`set idle_in_transaction_session_timeout = '700ms'`); // 5 s in earnest
    await stopped.query('begin');
    await stopped.query(hold());

    await within(2_500, append(log, 'run-beside-stopped', 0));

    expect(await log.readStream('run-holder')).toEqual([]);
    await expectNoGap();
    await stopped.end().catch(() => undefined);
  });

  it('and dies in the middle of a statement is noticed', async () => {
    const log = await open();
    const killed = await session(database.urlFor('executor'));
    killed.on('error', () => undefined);
    const statement = killed.query(hold(', pg_sleep(10)')).catch(() => undefined);
    await untilHeld();
    socketOf(killed).destroy();

    await within(2_500, append(log, 'run-beside-killed', 0));

    await statement;
    expect(await log.readStream('run-holder')).toEqual([]);
  });

  it('and does not come to an end is ended', async () => {
    const log = await open();
    const slow = await session(database.urlFor('executor'));
    await slow.query(`set statement_timeout = '700ms'`); // 15 s in earnest
    const statement = slow.query(hold(', pg_sleep(10)'));
    const ended = expect(statement).rejects.toMatchObject({ code: '57014' });
    await untilHeld();

    await within(2_500, append(log, 'run-beside-slow', 0));

    await ended;
    await slow.end();
  });

  it('makes the others wait longer than one lock timeout, not fail', async () => {
    const log = await open();
    const holder = await session(database.adminUrl);
    await holder.query('begin');
    await holder.query('select 1 from log.head for update');
    const waiting = append(log, 'run-patient', 0);
    await holder.query('select pg_sleep(2.5)'); // lock_timeout is 2 s
    await holder.query('commit');
    expect(await waiting).toHaveLength(1);
    await holder.end();
  });
});

describe('what goes on elsewhere', () => {
  it('in another database, a long write transaction, holds up neither writers nor readers', async () => {
    const elsewhere = await emptyDatabase();
    const other = await session(elsewhere.adminUrl);
    await other.query('begin; create table t (x int); insert into t values (1)');
    const log = await open();
    const [stored] = await append(log, 'run-f29', 0);
    expect((await log.readAll({ after: stored!.position - 1 }))[0]).toEqual(stored);
    await other.end();
    await elsewhere.drop();
  });

  it('in this database, a long snapshot, does not make the head row grow', async () => {
    const log = await open();
    const report = await session(database.adminUrl);
    await report.query('begin isolation level repeatable read; select count(*) from log.event');
    for (let version = 0; version < 300; version += 1) await append(log, 'run-snapshot', version);
    const { rows } = await admin.query(`select pg_relation_size('log.head')::int as bytes`);
    expect(rows).toEqual([{ bytes: 8_192 }]);
    await report.end();
  });
});

describe('eight writers over three connections', () => {
  it('leave no gap for a reader that follows', async () => {
    const logs = [await open(), await open(), await open()];
    const start = (await logs[0]!.head()).position;
    const each = 60;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let version = 0; version < each; version += 2) {
        await append(logs[writer % 3]!, `run-eight-${writer}`, version, 2);
      }
    });
    const seen: number[] = [];
    while (seen.length < 8 * each) {
      const after = seen.at(-1) ?? start;
      for (const { position } of await logs[0]!.readAll({ after, limit: 7 })) seen.push(position);
    }
    await Promise.all(writers);
    expect(seen).toEqual(Array.from({ length: 8 * each }, (_, index) => start + index + 1));
    await expectNoGap();
  });

  it('on one stream all get their turn', async () => {
    const logs = [await open(), await open(), await open()];
    const conflicts: number[] = [];
    await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        const log = logs[writer % 3]!;
        for (let done = 0; done < 5;) {
          const [last] = await log.lastEvents(['run-storm']);
          await append(log, 'run-storm', last?.version ?? 0).then(
            () => (done += 1),
            () => conflicts.push(writer),
          );
        }
      }),
    );
    expect(await logs[0]!.readStream('run-storm')).toHaveLength(40);
  });
});

describe('opening', () => {
  it('is refused where a commit would not wait for the disk', async () => {
    const url = new URL(database.urlFor('planner'));
    url.searchParams.set('options', '-c synchronous_commit=off');
    await expect(openPostgresLog({ url: url.href })).rejects.toThrow(
      /synchronous_commit is off for writ_planner.*alter role writ_planner set/s,
    );
  });

  it('warns of limits that are not set, with the cure', async () => {
    const warnings: string[] = [];
    await open({ url: database.adminUrl, warn: (message) => warnings.push(message) });
    expect(warnings.join('\n')).toMatch(/lock_timeout is not set .* set lock_timeout = '2s'/);
    expect(warnings).toHaveLength(4);
  });

  it('says that the migrator has not run', async () => {
    const bare = await emptyDatabase();
    await expect(open({ url: bare.adminUrl, warn: () => undefined })).rejects.toThrow(
      /run the migrator/,
    );
    await bare.drop();
  });

  it('fails within its limit where nobody answers', async () => {
    const { url } = await openLink(database.urlFor('planner'), { silent: true });
    await within(2_000, expect(open({ url, connectTimeoutMs: 300 })).rejects.toThrow(/timeout/));
  });
});

// --- what the tests stand on

const append = (
  log: EventLog,
  stream: string,
  version: number,
  count = 1,
): Promise<StoredEvent[]> =>
  log.append({
    stream,
    expectedVersion: version,
    events: Array.from({ length: count }, () => event()),
  });

async function open(options: Partial<PostgresLogOptions> = {}) {
  const log = await openPostgresLog({ url: database.urlFor('planner'), ...options });
  opened.push(log);
  return log;
}

async function logOverLink(options: Partial<PostgresLogOptions> = {}) {
  const link = await openLink(database.urlFor('planner'));
  return { link, log: await open({ ...options, url: link.url }) };
}

async function session(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString });
  await client.connect();
  return client;
}

const socketOf = (client: Client) =>
  (client as unknown as { connection: { stream: Socket } }).connection.stream;

const untilHeld = () =>
  eventually(
    async () => {
      const { rows } = await admin.query(
        `select 1 from pg_stat_activity where query like '%run-holder%' and wait_event = 'PgSleep'`,
      );
      return rows.length > 0;
    },
    { what: 'the statement that holds the head row' },
  );

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work;
  expect(performance.now() - began).toBeLessThan(ms);
  return result;
}

async function expectNoGap() {
  const { rows } = await admin.query(
    `select count(*)::int = max(position) and min(position) = 1 as positions,
       (select bool_and(n = v) from (select count(*) n, max(version) v from log.event group by stream) s)
         as versions
     from log.event`,
  );
  expect(rows).toEqual([{ positions: true, versions: true }]);
}

/** A link to PostgreSQL that a test can cut, silence, or rob of one reply. */
async function openLink(target: string, { silent = false } = {}) {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let swallowing = false;
  const link = {
    url: '',
    swallowed: 0,
    refused: 0,
    /** The statement is done, the answer never arrives, the connection is gone. */
    swallowNextReply: () => (swallowing = true),
    /** Nothing arrives on the connections there are; new ones are sound. */
    goSilent: () => sockets.forEach((socket) => socket.removeAllListeners('data').resume()),
    down: async () => {
      isDown = true;
      sockets.forEach((socket) => socket.destroy());
    },
    up: async () => {
      isDown = false;
    },
    close: async () => {
      sockets.forEach((socket) => socket.destroy());
      await new Promise((resolve) => server.close(resolve));
    },
  };
  let isDown = false;
  const server: Server = createServer((near) => {
    sockets.add(near);
    near.on('error', () => undefined).on('close', () => sockets.delete(near));
    if (isDown) {
      link.refused += 1;
      near.destroy();
      return;
    }
    if (silent) return;
    const far = connect(Number(port), hostname);
    sockets.add(far);
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    near.on('close', () => far.destroy()).on('data', (bytes) => far.write(bytes));
    far.on('data', (bytes) => {
      if (!swallowing) return void near.write(bytes);
      swallowing = false;
      link.swallowed += 1;
      near.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  link.url = url.href;
  opened.push(link);
  return link;
}
