import type { Socket } from 'node:net';
import { emptyDatabase, eventually } from '@writ/testing';
import type { Client } from 'pg';
import { LogBusy, LogUnavailable } from './log-errors';
import { append, logWorld, session } from './log-world.conformance';

const world = logWorld();

describe('a reply that is lost', () => {
  it('is asked for again, and the event is there once', async () => {
    const { log, link } = await world.overLink();
    await append(log, 'run-lost', 0);
    const before = (await log.head()).position;
    link.swallowNextReply();

    const [stored] = await append(log, 'run-lost', 1);

    expect(stored).toMatchObject({ version: 2, position: before + 1 });
    expect(await log.readStream('run-lost', { afterVersion: 1 })).toEqual([stored]);
    expect(link.swallowed).toBe(1);
  });

  it('is asked for again over a link that has gone silent', async () => {
    const { log, link } = await world.overLink({ replyTimeoutMs: 300 });
    await append(log, 'run-silent', 0);
    link.goSilent();
    const [stored] = await append(log, 'run-silent', 1);
    expect(await log.readStream('run-silent', { afterVersion: 1 })).toEqual([stored]);
  });

  it('does not make two events, however often connections are killed', async () => {
    const logs = [await world.open(), await world.open()];
    let killed = 0;
    const kill = async () => {
      const { rowCount } = await world.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and random() < 0.5`,
      );
      killed += rowCount ?? 0;
    };
    let kills = Promise.resolve();
    const work = async (writer: number) => {
      for (let version = 0; version < 40; version += 1) {
        const stored = append(logs[writer % 2]!, `run-killed-${writer}`, version);
        if (version % 5 === writer % 5) kills = kills.then(kill); // while it is under way
        await stored;
      }
    };
    await Promise.all([0, 1, 2, 3, 4, 5].map(work));
    await kills;
    expect(killed).toBeGreaterThan(10);
    for (const writer of [0, 1, 2, 3, 4, 5]) {
      const [last] = await logs[0]!.lastEvents([`run-killed-${writer}`]);
      expect(last?.version).toBe(40);
    }
    await expectNoGap();
  });
});

describe('a database that is away', () => {
  it('is waited for: what was appended meanwhile goes in when it is back', async () => {
    const { log, link } = await world.overLink();
    await append(log, 'run-away', 0);
    await link.down();
    const waiting = append(log, 'run-away', 1);
    await eventually(() => link.refused > 0, { what: 'an attempt to connect' });
    await link.up();
    expect(await waiting).toMatchObject([{ version: 2 }]);
  });

  it('is not waited for longer than the deadline', async () => {
    const { log, link } = await world.overLink({
      limits: { deadlineMs: 400 },
      readDeadlineMs: 400,
    });
    await link.down();
    const began = performance.now();
    await expect(append(log, 'run-never', 0)).rejects.toBeInstanceOf(LogUnavailable);
    await expect(log.readStream('run-never')).rejects.toBeInstanceOf(LogUnavailable);
    expect(performance.now() - began).toBeLessThan(10_000); // each would wait 15 s by itself
    await link.up();
    expect(await append(log, 'run-never', 0)).toHaveLength(1);
  });

  it('does not let appends pile up without end', async () => {
    const { log, link } = await world.overLink({ limits: { deadlineMs: 500, queueAppends: 3 } });
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
  /** Holds the head row in the middle of a statement, for as long as the test holds this lock. */
  const GATE = 417;
  const holdUntilTold = hold(`, pg_advisory_lock(${GATE})`);

  beforeAll(() => world.sql('select pg_advisory_lock($1)', [GATE]));
  afterAll(() => world.sql('select pg_advisory_unlock($1)', [GATE]));

  // An append beside it fails after 15 s unless the holder is got rid of.

  it('and stops in a transaction is thrown out, and the others go on', async () => {
    const log = await world.open();
    const stopped = await session(world.url('executor'));
    stopped.on('error', () => undefined);
    await stopped.query(`set idle_in_transaction_session_timeout = '700ms'`); // 5 s in earnest
    await stopped.query('begin');
    await stopped.query(hold());

    await append(log, 'run-beside-stopped', 0);

    expect(await log.readStream('run-holder')).toEqual([]);
    await expectNoGap();
    await stopped.end().catch(() => undefined);
  });

  it('and dies in the middle of a statement is noticed', async () => {
    const log = await world.open();
    const killed = await session(world.url('executor'));
    killed.on('error', () => undefined);
    await killed.query(`set lock_timeout = 0; set statement_timeout = 0`);
    const statement = killed.query(holdUntilTold).catch(() => undefined);
    await untilHeld();
    socketOf(killed).destroy();

    await append(log, 'run-beside-killed', 0);

    await statement;
    expect(await log.readStream('run-holder')).toEqual([]);
  });

  it('and does not come to an end is ended', async () => {
    const log = await world.open();
    const slow = await session(world.url('executor'));
    await slow.query(`set lock_timeout = 0; set statement_timeout = '700ms'`); // 15 s in earnest
    const statement = slow.query(holdUntilTold);
    const ended = expect(statement).rejects.toMatchObject({ code: '57014' });
    await untilHeld();

    await append(log, 'run-beside-slow', 0);

    await ended;
    await slow.end();
  });

  it('makes the others wait longer than one lock timeout, not fail', async () => {
    const url = new URL(world.url());
    url.searchParams.set('options', '-c lock_timeout=200ms'); // 2 s in earnest
    const log = await world.open({ url: url.href, applicationName: 'patient' });
    const holder = await session(world.url('admin'));
    await holder.query('begin');
    await holder.query('select 1 from log.head for update');
    const waiting = append(log, 'run-patient', 0);
    const attempts = new Set<string>();
    await eventually(
      async () => {
        const { rows } = await world.sql(
          `select query_start::text as at from pg_stat_activity
           where application_name = 'patient append' and wait_event_type = 'Lock'`,
        );
        for (const { at } of rows) attempts.add(at);
        return attempts.size >= 3;
      },
      { what: 'the third attempt' },
    );
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
    const log = await world.open();
    const [stored] = await append(log, 'run-f29', 0);
    expect((await log.readAll({ after: stored!.position - 1 }))[0]).toEqual(stored);
    await other.end();
    await elsewhere.drop();
  });

  it('in this database, a long snapshot, does not make the head row grow', async () => {
    const log = await world.open();
    const report = await session(world.url('admin'));
    await report.query('begin isolation level repeatable read; select count(*) from log.event');
    for (let version = 0; version < 300; version += 1) await append(log, 'run-snapshot', version);
    const { rows } = await world.sql(`select pg_relation_size('log.head')::int as bytes`);
    expect(rows).toEqual([{ bytes: 8_192 }]);
    await report.end();
  });
});

describe('eight writers over three connections', () => {
  it('leave no gap for a reader that follows', async () => {
    const logs = [await world.open(), await world.open(), await world.open()];
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
    const logs = [await world.open(), await world.open(), await world.open()];
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

const socketOf = (client: Client) =>
  (client as unknown as { connection: { stream: Socket } }).connection.stream;

const untilHeld = () =>
  eventually(
    async () => {
      const { rows } = await world.sql(
        `select 1 from pg_stat_activity where query like '%run-holder%' and wait_event = 'advisory'`,
      );
      return rows.length > 0;
    },
    { what: 'the statement that holds the head row' },
  );

async function expectNoGap() {
  const { rows } = await world.sql(
    `select count(*)::int = max(position) and min(position) = 1 as positions,
       (select bool_and(n = v) from (select count(*) n, max(version) v from log.event group by stream) s)
         as versions
     from log.event`,
  );
  expect(rows).toEqual([{ positions: true, versions: true }]);
}
