/** The servers that everything stands on, stopped badly and robbed under load: it costs time only. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { consumers } from '@writ/contracts';
import { Client } from 'pg';
import { takeAway } from './jetstream';
import { KeptProcess } from './kept-process';
import { Postgres } from './servers';
import { Stage } from './stage';

describe('under load', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open();
  }, 120_000);

  afterAll(async () => {
    expect(await stage?.close()).toEqual([]);
  }, 60_000);

  it('PostgreSQL stopped at once and started again loses nothing that it had acknowledged', async () => {
    const ids = await stage.submitAll(10);
    await stage.underWay(ids);
    await stage.harness.postgres.stop('immediate');
    const more = stage.submitAll(3); // with nobody there to accept them yet
    await stage.harness.postgres.start();
    await stage.expectAllWell([...ids, ...(await more)]);
  }, 120_000);

  it('NATS killed and wiped begins with nothing, and no directive is lost', async () => {
    const { nats } = stage.harness;
    const ids = await stage.submitAll(10);
    await stage.underWay(ids);
    await nats.kill();
    nats.wipe();
    const more = stage.submitAll(3);
    await nats.start();
    await stage.expectAllWell([...ids, ...(await more)]);
  }, 120_000);

  it('NATS robbed of its files while it runs goes on, or is started again, and no directive is lost', async () => {
    const { nats, home } = stage.harness;
    const ids = await stage.submitAll(10);
    await stage.underWay(ids);
    nats.wipe();
    expect(existsSync(join(home, 'nats'))).toBe(false);
    const more = await stage.submitAll(5);
    await stage.underWay(more);
    await nats.kill();
    await nats.start();
    await stage.expectAllWell([...ids, ...more]);
  }, 120_000);

  it('streams and consumers deleted behind everybody`s back are made again', async () => {
    const ids = await stage.submitAll(10);
    await stage.underWay(ids);
    const some = { streams: ['WRIT_WORK', 'WRIT_EVENTS'], consumersOf: ['WRIT_COMMANDS'] };
    const own = Object.values(consumers).filter(({ stream }) => stream === 'WRIT_COMMANDS');
    const all = [...some.streams, ...own.map(({ stream, name }) => `${stream}/${name}`)];
    expect((await takeAway(stage.harness, some)).sort()).toEqual(all.sort());
    const more = await stage.submitAll(5);
    const others = { streams: ['WRIT_COMMANDS'], consumersOf: ['WRIT_WORK', 'WRIT_EVENTS'] };
    expect((await takeAway(stage.harness, others)).length).toBeGreaterThan(3);
    more.push(...(await stage.submitAll(5)));
    await stage.expectAllWell([...ids, ...more]);
  }, 120_000);
});

it('three migrators at once bring a database up to date once, and none fails', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-chaos-migrators-'));
  const server = await Postgres.start(join(folder, 'postgres'), () => undefined);
  try {
    const roles = ['PLANNER', 'EXECUTOR', 'VERIFIER', 'MANIFEST'];
    const passwords = roles.map((role) => [`WRIT_${role}_PASSWORD`, 'not-guessed-1234'] as const);
    const env = { ...Object.fromEntries(passwords), DATABASE_URL: server.url };
    const migrate = (number: number) => {
      const name = `migrator-${number}`;
      const logFile = join(folder, `${name}.log`);
      return new KeptProcess({ name, service: 'migrator', env, logFile }).once();
    };
    await Promise.all([1, 2, 3].map(migrate));
    const client = new Client({ connectionString: server.url });
    await client.connect();
    const { rows } = await client.query(
      `select to_regclass('log.event') is not null as log,
         to_regclass('manifest.signed_checkpoints') is not null as last`,
    );
    await client.end();
    expect(rows).toEqual([{ log: true, last: true }]);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
