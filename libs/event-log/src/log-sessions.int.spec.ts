/** How the log in PostgreSQL is opened and closed, and what it tells others meanwhile. */
import { emptyDatabase, eventually } from '@writ/testing';
import { LogUnavailable } from './log-errors';
import { append, logWorld } from './log-world.conformance';
import { openPostgresLog, type PostgresLogOptions } from './postgres-log';

const world = logWorld();

describe('opening', () => {
  it('is refused where a commit would not wait for the disk', async () => {
    const url = new URL(world.url());
    url.searchParams.set('options', '-c synchronous_commit=off');
    await expect(openPostgresLog({ url: url.href })).rejects.toThrow(
      /synchronous_commit is off for writ_planner.*alter role writ_planner set/s,
    );
  });

  it('is refused where an append would not see what was committed while it waited', async () => {
    const url = new URL(world.url());
    url.searchParams.set('options', '-c default_transaction_isolation=repeatable\\ read');
    await expect(openPostgresLog({ url: url.href })).rejects.toThrow(
      /default_transaction_isolation is repeatable read .*alter role writ_planner set/s,
    );
  });

  it('warns of limits that are not set, with the cure', async () => {
    const warnings: string[] = [];
    await world.open({ url: world.url('admin'), warn: (message) => warnings.push(message) });
    expect(warnings.join('\n')).toMatch(/lock_timeout is not set .* set lock_timeout = '2s'/);
    expect(warnings).toHaveLength(4);
  });

  it('says that the migrator has not run', async () => {
    const bare = await emptyDatabase();
    await expect(world.open({ url: bare.adminUrl, warn: () => undefined })).rejects.toThrow(
      /run the migrator/,
    );
    await bare.drop();
  });

  it('fails within its limit where nobody answers', async () => {
    const { url } = await world.linked({ silent: true });
    await expect(world.open({ url, connectTimeoutMs: 300 })).rejects.toThrow(/timeout/);
  });
});

describe('closing', () => {
  const closing = async (more: Partial<PostgresLogOptions> = {}) => {
    const link = await world.linked();
    const log = await openPostgresLog({ url: link.url, closeWithinMs: 300, ...more });
    return { link, log };
  };

  it('does not wait for a database that is away, and says what was not written', async () => {
    const { link, log } = await closing();
    await link.down();
    const under = append(log, 'run-under', 0);
    await eventually(() => link.refused > 0, { what: 'an attempt to connect' });
    const behind = append(log, 'run-behind', 0);
    const outcomes = Promise.allSettled([under, behind]);

    await expect(log.close()).rejects.toThrow(
      /not written: 1 appends \(run-behind\); perhaps written: 1 appends \(run-under\)/,
    );

    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(LogUnavailable) });
    }
    await link.up();
    const none = await world.sql(
      `select 1 from log.event where stream in ('run-under', 'run-behind')`,
    );
    expect(none.rows).toEqual([]);
  });

  it('does not wait for a server that has gone silent, and tries nothing afterwards', async () => {
    const { link, log } = await closing();
    await append(log, 'run-mute', 0);
    link.goSilent();
    const read = log.readStream('run-mute');
    const outcomes = Promise.allSettled([append(log, 'run-mute', 1), read]);
    await expect(log.close()).rejects.toThrow(/perhaps written: 1 appends \(run-mute\)/);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(LogUnavailable) });
    }
    await eventually(() => link.open === 0, { what: 'every connection to be closed' });
  });
});

describe('what others are told', () => {
  it('is how many appends shared each commit, and nothing of what was not taken', async () => {
    const groups: number[] = [];
    const { log, link } = await world.overLink({
      committed: (appends) => groups.push(appends),
      limits: { deadlineMs: 400 },
    });
    await Promise.all(['run-c1', 'run-c2', 'run-c3'].map((stream) => append(log, stream, 0)));
    expect(groups).toEqual([3]);
    await link.down();
    await append(log, 'run-c4', 0).catch(() => undefined);
    await link.up();
    expect(groups).toEqual([3]);
  });

  it('is no danger to the log when they cannot bear it', async () => {
    const warnings: string[] = [];
    const committed = () => {
      throw new Error('a metric without a name');
    };
    const log = await world.open({ committed, warn: (message) => warnings.push(message) });
    await append(log, 'run-hook', 0);
    expect(await append(log, 'run-hook', 1)).toMatchObject([{ version: 2 }]);
    expect(warnings[0]).toMatch(/a metric without a name/);
  });
});

describe('a read that takes too long', () => {
  it('is not the log being away when others are answered meanwhile', async () => {
    const log = await world.open({ replyTimeoutMs: 200, readDeadlineMs: 600 });
    await append(log, 'run-slow', 0);
    await append(log, 'run-quick', 0);
    // Who reads this one stream waits for a lock that the test holds.
    await world.sql(`alter table log.event enable row level security;
      create policy slow on log.event using (
        stream <> 'run-slow' or exists (select from pg_advisory_lock_shared(418)));
      select pg_advisory_lock(418)`);
    await expect(log.readStream('run-slow')).rejects.toBeInstanceOf(LogUnavailable);

    let ended = false;
    const slow = log.readStream('run-slow').finally(() => (ended = true));
    const refused = expect(slow).rejects.toThrow(
      /others are answered, this read of the log is not/,
    );
    while (!ended) expect(await log.readStream('run-quick')).toHaveLength(1);
    await refused;

    await world.sql(`drop policy slow on log.event;
      alter table log.event disable row level security;
      select pg_advisory_unlock(418)`);
  });
});
