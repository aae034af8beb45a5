import { existsSync } from 'node:fs';

import { connect } from 'nats';

import { testNats, type TestNats } from './test-nats';

async function streams(url: string, add?: string): Promise<string[]> {
  const client = await connect({ servers: url });
  try {
    const manager = await client.jetstreamManager();
    if (add) await manager.streams.add({ name: add, subjects: [add] });
    return (await manager.streams.list().next()).map(({ config }) => config.name);
  } finally {
    await client.close();
  }
}

describe('NATS for tests', () => {
  let nats: TestNats;
  beforeEach(async () => {
    nats = await testNats();
  });
  afterEach(() => nats.stop());

  test('comes back at the same address with what it kept', async () => {
    await streams(nats.url, 'KEPT');
    await nats.restart();
    expect(await streams(nats.url)).toEqual(['KEPT']);
  });

  test('comes back after a kill', async () => {
    await streams(nats.url, 'KEPT');
    await nats.kill();
    await expect(connect({ servers: nats.url })).rejects.toThrow();
    await nats.restart();
    expect(await streams(nats.url)).toEqual(['KEPT']);
  });

  test('says nothing while it stands still', async () => {
    const client = await connect({ servers: nats.url });
    await nats.standStill();
    let answered = false;
    const answer = client.rtt().then(() => (answered = true));
    await expect(connect({ servers: nats.url, timeout: 200 })).rejects.toThrow();
    expect(answered).toBe(false);
    nats.goOn();
    await answer;
    await client.close();
  });

  test('comes back empty when it is wiped', async () => {
    await streams(nats.url, 'KEPT');
    await nats.restart({ wipe: true });
    expect(await streams(nats.url)).toEqual([]);
  });

  test('leaves nothing when it is stopped', async () => {
    await nats.stop();
    expect(existsSync(nats.storeDir)).toBe(false);
    await expect(connect({ servers: nats.url })).rejects.toThrow();
  });
});
