import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { connect, type NatsConnection } from 'nats';

import { freePort } from './loopback';
import { isAtLeast } from './nats-binary';
import { identityOf } from './process-identity';
import { type NatsOptions, type NatsServer, startNats } from './start-nats';

describe('the embedded NATS server', () => {
  let parent: string;
  let storeDir: string;
  let running: NatsServer[];
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'writ-nats-'));
    storeDir = join(parent, 'store');
    running = [];
  });
  afterEach(async () => {
    for (const server of running) await server.stop();
    rmSync(parent, { recursive: true });
  });

  async function start(options: Partial<NatsOptions> = {}): Promise<NatsServer> {
    const server = await startNats({ storeDir, tetherToParent: true, ...options });
    running.push(server);
    return server;
  }

  async function withClient<T>(
    url: string,
    work: (client: NatsConnection) => Promise<T>,
    token?: string,
  ): Promise<T> {
    const client = await connect({ servers: url, ...(token === undefined ? {} : { token }) });
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  }

  const fill = (url: string): Promise<unknown> =>
    withClient(url, async (client) => {
      const manager = await client.jetstreamManager();
      await manager.streams.add({ name: 'KEPT', subjects: ['kept'] });
      return client.jetstream().publish('kept', 'forty-two');
    });
  const count = (url: string): Promise<number> =>
    withClient(url, async (client) => {
      const manager = await client.jetstreamManager();
      return (await manager.streams.info('KEPT')).state.messages;
    });

  test('listens on loopback, with JetStream and the usual message limit', async () => {
    const server = await start();
    await withClient(server.url, async (client) => {
      expect(client.info).toMatchObject({ jetstream: true, max_payload: 1_048_576 });
      expect(client.info?.version).toBe(server.version);
    });
    expect(JSON.parse(readFileSync(`${storeDir}.conf`, 'utf8'))).toMatchObject({
      host: '127.0.0.1',
      jetstream: isAtLeast(server.version, 2, 10) ? { sync_interval: 'always' } : {},
    });
  });

  test('keeps its store between starts', async () => {
    const first = await start();
    await fill(first.url);
    await first.stop();
    await first.stop();
    expect(identityOf(first.pid)).toBeUndefined();
    const second = await start({ port: first.port });
    expect(await count(second.url)).toBe(1);
  });

  test('survives kill -9', async () => {
    const first = await start();
    await fill(first.url);
    await first.kill();
    expect((await first.exited).signal).toBe('SIGKILL');
    const second = await start();
    expect(await count(second.url)).toBe(1);
  });

  test('with a token, it lets nobody in without', async () => {
    const token = 'a "quoted" $token';
    const server = await start({ token });
    expect(server.url).not.toContain('token');
    expect(statSync(`${storeDir}.conf`).mode & 0o777).toBe(0o600);
    await expect(connect({ servers: server.url })).rejects.toThrow(/authorization/i);
    await withClient(server.url, (client) => client.flush(), token);
  });

  test('monitoring answers where it was asked for', async () => {
    const monitoringPort = await freePort();
    await start({ monitoringPort });
    const answer = await fetch(`http://127.0.0.1:${monitoringPort}/healthz`);
    expect(await answer.json()).toEqual({ status: 'ok' });
  });

  test('a second server on the same folder is refused', async () => {
    await start();
    await expect(start()).rejects.toMatchObject({ code: 'FOLDER_IN_USE' });
  });

  test('a port that is taken is refused', async () => {
    const { port } = await start();
    const other = start({ storeDir: join(parent, 'other'), port });
    await expect(other).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringContaining('nats-server'),
    });
  });

  test('a NATS_SERVER_BIN that is none is refused by name', async () => {
    process.env['NATS_SERVER_BIN'] = '/nowhere/nats-server';
    try {
      await expect(start()).rejects.toMatchObject({
        code: 'NOT_INSTALLED',
        message: expect.stringContaining('/nowhere/nats-server'),
      });
    } finally {
      delete process.env['NATS_SERVER_BIN'];
    }
  });
});
