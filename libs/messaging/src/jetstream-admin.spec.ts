import type { NatsConnection } from 'nats';
import { someConsumer } from './bus-world.conformance';
import { scriptedAdmin } from './scripted-jetstream.conformance';
import type { Script } from './scripted-jetstream.conformance';
import { TopologyError } from './topology';

const consumer = someConsumer();

const admin = (script: Script) => {
  const connection = { isClosed: () => false } as NatsConnection;
  const { deleted, admin: it } = scriptedAdmin(consumer, connection, script);
  return { deleted, it };
};

describe('a look at a consumer', () => {
  it('finds it fine, and how much waits', async () => {
    const { it: looker, deleted } = admin({ seen: 5, last: [9] });
    expect(await looker.lookAt(consumer)).toEqual({ state: 'fine', pending: 4 });
    expect(deleted).toEqual([]);
  });

  it('removes one that is ahead of its stream, so that it is made again', async () => {
    const { it: looker, deleted } = admin({ seen: 9, last: [5, 5] });
    expect(await looker.lookAt(consumer)).toMatchObject({
      state: 'broken',
      why: expect.stringContaining('ahead'),
    });
    expect(deleted).toEqual([consumer.name]);
  });

  it('leaves one that only seemed to be, since a message came between two answers', async () => {
    const { it: looker, deleted } = admin({ seen: 9, last: [8, 9] });
    expect(await looker.lookAt(consumer)).toMatchObject({ state: 'fine' });
    expect(deleted).toEqual([]);
  });

  it('finds one that was altered', async () => {
    const { it: looker } = admin({ seen: 0, last: [0] });
    const changed = { ...consumer, ackWaitMs: 1_000 };
    expect(await looker.lookAt(changed)).toMatchObject({
      state: 'broken',
      why: expect.stringContaining('altered'),
    });
  });
});

describe('patience', () => {
  it('tries again what may work later, and not what cannot', async () => {
    const { it: patient } = admin({ seen: 0, last: [] });
    let tries = 0;
    const late = async () => {
      tries += 1;
      if (tries < 3) throw new Error('not yet');
      return 'done';
    };
    expect(await patient.patiently(5_000, late)).toBe('done');
    const never = () => Promise.reject(new TopologyError('another stream'));
    await expect(patient.patiently(5_000, never)).rejects.toThrow(TopologyError);
    const down = () => Promise.reject(new Error('down'));
    await expect(patient.patiently(0, down)).rejects.toThrow('down');
  });

  it('waits for the connection', async () => {
    const { it: patient } = admin({ seen: 0, last: [] });
    patient.connectionLost();
    let done = false;
    const work = patient.patiently(5_000, async () => (done = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    patient.connectionBack();
    await work;
    expect(patient.connected).toBe(true);
  });

  it('ends with the time, also when there is no connection', async () => {
    const { it: patient } = admin({ seen: 0, last: [] });
    patient.connectionLost();
    const never = patient.patiently(20, async () => 'done');
    await expect(never).rejects.toThrow(/no connection to NATS for 20 ms/);
  });
});
