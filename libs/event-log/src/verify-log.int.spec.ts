import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, hash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GENESIS_HASH, hashedText } from '@writ/contracts';
import { eventually, testDatabase, type TestDatabase } from '@writ/testing';
import { Client } from 'pg';
import { readCheckpoints, signCheckpoint } from './checkpoint';
import { PostgresCheckpointTally } from './checkpoint-tally';
import { Checkpointer, type CheckpointerOptions } from './checkpointer';
import { event } from './event-log.conformance';
import { openPostgresLog, type PostgresLog } from './postgres-log';
import { verifyLog } from './verify-log';

let database: TestDatabase;
let admin: Client;
let log: PostgresLog;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'writ-checkpoints-'));
  database = await testDatabase();
  admin = new Client({ connectionString: database.adminUrl });
  await admin.connect();
  log = await openPostgresLog({ url: database.urlFor('planner') });
  for (let version = 0; version < 12; version += 3) {
    const events = [0, 1, 2].map((number) => event('Counted', { text: 'ä\u0000\ud800', number }));
    await log.append({ stream: 'run-a', expectedVersion: version, events });
  }
});

afterEach(async () => {
  await log.close();
  await admin.end();
  await database.drop();
  rmSync(folder, { recursive: true });
});

const files = () => ({
  file: join(folder, 'log', 'checkpoints'),
  keyFile: join(folder, 'key', 'k'),
});
const verify = () => verifyLog({ url: database.urlFor('manifest'), pageSize: 5 });
const verifyWithCheckpoints = () =>
  verifyLog({ url: database.urlFor('manifest'), checkpoints: files() });

/** What a superuser can do when he means it. */
const tamper = (sql: string) =>
  admin.query(`alter table log.event disable trigger all; ${sql};
    alter table log.event enable always trigger event_is_append_only`);

function checkpointer(options: Partial<CheckpointerOptions> = {}) {
  const onError = (error: unknown) => {
    throw error;
  };
  return new Checkpointer({ log, ...files(), onError, everyMs: 5, ...options });
}

async function checkpointNow() {
  await checkpointer({ events: 1 }).stop();
}

describe('verifyLog', () => {
  it('finds a sound log sound, and tells how far it is', async () => {
    const seen: number[] = [];
    const report = await verifyLog({
      url: database.urlFor('manifest'),
      pageSize: 5,
      onProgress: ({ position }) => seen.push(position),
    });
    const { position: headPosition, hash: headHash } = await log.head();
    expect(report).toEqual({ events: 12, headPosition, headHash, ok: true, checkpoints: 0 });
    expect(seen).toEqual([5, 10, 12]);
  });

  it('finds an empty log sound', async () => {
    await tamper('truncate log.event');
    expect(await verify()).toMatchObject({ events: 0, ok: true, headHash: GENESIS_HASH });
  });

  it('goes along while writers write', async () => {
    let version = 12;
    let writing = true;
    const writer = (async () => {
      for (; writing; version += 1) {
        await log.append({ stream: 'run-a', expectedVersion: version, events: [event()] });
      }
    })();
    for (let round = 0; round < 5; round += 1) expect((await verify()).ok).toBe(true);
    writing = false;
    await writer;
  });

  it('fails, and harms nobody, when its connection is killed', async () => {
    const kill = `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'writ verify' and datname = current_database()`;
    const script = `
      const { Client } = require(process.argv[1]);
      const client = new Client({ connectionString: process.argv[2] });
      client.connect().then(() => client.query(process.argv[3])).then(() => client.end());
    `;
    // Nothing is heard while it hashes: then the end of the connection comes with the next rows.
    const onProgress = () => {
      const argv = ['-e', script, require.resolve('pg'), database.adminUrl, kill];
      execFileSync(process.execPath, argv);
    };
    const broken = verifyLog({ url: database.urlFor('manifest'), pageSize: 1, onProgress });
    await expect(broken).rejects.toThrow(/not queryable|terminat/);
  });

  it.each([
    ['changed data', `update log.event set data = replace(data, '1', '2') where position = 5`, 5],
    [
      'a changed byte of the metadata',
      `update log.event set metadata = metadata || ' ' where position = 1`,
      1,
    ],
    ['another type', `update log.event set type = 'Other' where position = 12`, 12],
    ['another stream', `update log.event set stream = 'run-b' where position = 7`, 7],
    [
      'another time',
      `update log.event set recorded_at = recorded_at + '1us' where position = 7`,
      7,
    ],
    ['another id', `update log.event set id = gen_random_uuid() where position = 7`, 7],
    ['another hash', `update log.event set hash = sha256('') where position = 7`, 7],
    ['data that is not JSON', `update log.event set data = 'oops' where position = 3`, 3],
  ])('finds %s', async (_what, sql, position) => {
    await tamper(sql);
    expect(await verify()).toMatchObject({
      ok: false,
      events: position - 1,
      firstBad: { position, reason: expect.stringMatching(/its hash does not fit/) },
    });
  });

  it('finds a deleted event, and a deleted beginning', async () => {
    await tamper('delete from log.event where position = 6');
    expect((await verify()).firstBad).toEqual({
      position: 6,
      reason: 'event 6 is missing; the next is 7',
    });
    await tamper('delete from log.event where position < 3');
    expect((await verify()).firstBad?.position).toBe(1);
  });

  it('finds two events that were exchanged', async () => {
    await tamper(`update log.event set position = -position where position in (4, 5);
      update log.event set position = 9 + position where position in (-4, -5)`);
    expect((await verify()).firstBad?.position).toBe(4);
  });

  it('does not see a tail that was cut; a checkpoint does', async () => {
    await checkpointNow();
    await tamper('delete from log.event where position > 9');
    expect((await verify()).ok).toBe(true);
    expect(await verifyWithCheckpoints()).toMatchObject({
      ok: false,
      headPosition: 9,
      firstBad: { position: 10, reason: 'the log ends at 9, but 12 was signed' },
    });
  });

  it('sees by a checkpoint that the whole chain was computed anew', async () => {
    await checkpointNow();
    await tamper(`update log.event set data = '{}' where position = 5`);
    await computeChainAnew();
    expect((await verify()).ok).toBe(true);
    expect(await verifyWithCheckpoints()).toMatchObject({
      ok: false,
      firstBad: { position: 12, reason: expect.stringMatching(/not the one that the checkpoint/) },
    });
  });

  it('does not trust a checkpoint that its key has not signed', async () => {
    await checkpointNow();
    const { privateKey } = generateKeyPairSync('ed25519');
    const forged = signCheckpoint(await log.head(), privateKey);
    writeFileSync(files().file, `${JSON.stringify(forged)}\n`);
    expect((await verifyWithCheckpoints()).firstBad?.reason).toMatch(/is not signed by the key/);

    await checkpointNow();
    const text = readFileSync(files().file, 'utf8').replace(`"position":12`, `"position":11`);
    writeFileSync(files().file, text);
    expect((await verifyWithCheckpoints()).ok).toBe(false);
  });
});

describe('the file of checkpoints', () => {
  let tally: PostgresCheckpointTally;

  beforeEach(async () => {
    tally = new PostgresCheckpointTally(database.urlFor('manifest'));
    await checkpointer({ events: 1, tally }).stop();
    await log.append({ stream: 'run-b', expectedVersion: 0, events: [event()] });
    await checkpointer({ events: 1, tally }).stop();
  });

  afterEach(() => tally.close());

  const lines = () => readFileSync(files().file, 'utf8').trimEnd().split('\n');
  const keepOnly = (kept: string[]) => writeFileSync(files().file, `${kept.join('\n')}\n`);

  it('is missed when it is gone, also when the end of the log is gone with it', async () => {
    expect(await verifyWithCheckpoints()).toMatchObject({ ok: true, checkpoints: 2 });
    rmSync(files().file);
    const reason =
      'checkpoints of 12 to 13 were signed, and none is here: their file was removed or cut';
    const found = { ok: false, firstBad: { position: 12, reason } };
    expect(await verifyWithCheckpoints()).toMatchObject(found);
    await tamper('delete from log.event where position > 9');
    expect(await verifyWithCheckpoints()).toMatchObject(found);
    rmSync(files().keyFile); // with a key of its own it is another one that signs
    await checkpointer({ events: 1_000 }).stop();
    const shorter = { position: 10, reason: 'the log ends at 9, but 13 was signed' };
    expect((await verifyWithCheckpoints()).firstBad).toEqual(shorter);
  });

  it('is missed for good: what is signed from now on does not stand in for it', async () => {
    rmSync(files().file);
    await log.append({ stream: 'run-b', expectedVersion: 1, events: [event()] });
    await checkpointer({ events: 1, tally }).stop();
    expect((await verifyWithCheckpoints()).firstBad?.reason).toMatch(/those here are of 14 to 14/);
  });

  it('is found to be cut, at its end and at its beginning', async () => {
    const [first = '', second = ''] = lines();
    keepOnly([first]);
    expect((await verifyWithCheckpoints()).firstBad?.position).toBe(13);
    keepOnly([second]);
    expect((await verifyWithCheckpoints()).firstBad?.position).toBe(12);
    keepOnly([first, second]);
    expect((await verifyWithCheckpoints()).ok).toBe(true);
  });

  it('may be of one that began later than another', async () => {
    const others = { file: join(folder, 'other'), keyFile: join(folder, 'other-key') };
    await log.append({ stream: 'run-b', expectedVersion: 1, events: [event()] });
    await checkpointer({ ...others, events: 1, tally }).stop();
    const found = await verifyLog({ url: database.urlFor('manifest'), checkpoints: others });
    expect(found).toMatchObject({ ok: true, checkpoints: 1 });
  });
});

describe('Checkpointer', () => {
  it('says once that the log is shorter than what it has signed', async () => {
    await checkpointNow();
    const said: string[] = [];
    const onError = (error: unknown) => said.push((error as Error).message);
    const cut = { head: async () => ({ ...(await log.head()), position: 9 }) };
    const running = checkpointer({ log: cut, onError });
    await eventually(() => running.failures >= 3, { what: 'it to look several times' });
    await running.stop();
    expect(said).toEqual(['the log ends at 9, but 12 was signed']);
  });

  it('writes when enough has happened, and signs what the log says', async () => {
    const running = checkpointer({ events: 10 });
    await eventually(() => running.position === 12, { what: 'the first checkpoint' });
    await log.append({ stream: 'run-b', expectedVersion: 0, events: [event()] });
    await running.stop(); // the last one, at the end

    expect(readCheckpoints(files().file).map(({ position }) => position)).toEqual([12, 13]);
    expect(await verifyWithCheckpoints()).toMatchObject({ ok: true, checkpoints: 2 });
  });

  it('waits when too little has happened, but not for ever', async () => {
    const patient = checkpointer({ events: 100, atLeastEveryMs: 40 });
    await eventually(() => patient.position === 12, { what: 'the checkpoint in the end' });
    await patient.stop();
  });

  it('writes nothing when nothing is new, also after a new start', async () => {
    for (let start = 0; start < 3; start += 1) await checkpointNow();
    expect(readCheckpoints(files().file)).toHaveLength(1);
  });

  it('signs a last one also when it is stopped in the middle of another', async () => {
    const asked: (() => void)[] = [];
    const slow = {
      head: async () => {
        const head = await log.head();
        await new Promise<void>((resolve) => asked.push(resolve));
        return head;
      },
    };
    const running = checkpointer({ log: slow, events: 1 });
    await eventually(() => asked.length === 1, { what: 'the first checkpoint to begin' });
    await log.append({ stream: 'run-b', expectedVersion: 0, events: [event()] });
    const stopped = running.stop();
    asked[0]?.();
    await eventually(() => asked.length === 2, { what: 'the last one to begin' });
    asked[1]?.();
    await stopped;
    expect(readCheckpoints(files().file).map(({ position }) => position)).toEqual([12, 13]);
  });

  it('keeps its key from others and uses it again', async () => {
    await checkpointNow();
    await log.append({ stream: 'run-b', expectedVersion: 0, events: [event()] });
    await checkpointNow();
    expect(statSync(files().keyFile).mode & 0o777).toBe(0o600);
    const keys = readCheckpoints(files().file).map(({ keyId }) => keyId);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  });

  it('goes on after a line that was not finished', async () => {
    await checkpointNow();
    writeFileSync(files().file, '{"at":"2026-01-01T00:00:00.000Z","hash":"ab', { flag: 'a' });
    await log.append({ stream: 'run-b', expectedVersion: 0, events: [event()] });
    await checkpointNow();
    expect(readCheckpoints(files().file).map(({ position }) => position)).toEqual([12, 13]);
    expect(await verifyWithCheckpoints()).toMatchObject({ ok: true, checkpoints: 2 });
  });
});

async function computeChainAnew() {
  let previous = GENESIS_HASH;
  for (const stored of await log.readAll()) {
    const { rows } = await admin.query('select metadata from log.event where position = $1', [
      stored.position,
    ]);
    previous = hash('sha256', hashedText(stored, stored.dataText, rows[0].metadata, previous));
    const sql = `update log.event set hash = '\\x${previous}' where position = ${stored.position}`;
    await tamper(sql);
  }
}
