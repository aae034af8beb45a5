import { randomUUID } from 'node:crypto';
import { VersionConflict, type EventMetadata } from '@writ/contracts';
import { MemoryLog } from '@writ/event-log';
import type { Outgoing } from '@writ/messaging';
import { createLogger } from '@writ/observability';
import { publishingLog } from './publishing-log';

const metadata: EventMetadata = {
  commandId: 'c',
  correlationId: 'd',
  actor: { kind: 'service', id: 'test' },
};
const event = (data: unknown) => {
  return { id: randomUUID(), type: 'StepStarted', schemaVersion: 1, data, metadata };
};

function start() {
  const sent: Outgoing[] = [];
  const published: number[] = [];
  let away = false;
  let told = 0;
  const log = publishingLog(new MemoryLog(), {
    bus: {
      send: (message) => {
        if (away) return Promise.reject(new Error('the bus is away'));
        sent.push(message);
        return Promise.resolve();
      },
    },
    reporter: { published: (position) => published.push(position) },
    logger: createLogger({ service: 'test', instance: 'test', level: 'silent' }),
    source: '/writ/test',
    appended: () => (told += 1),
  });
  const goAway = () => (away = true);
  return { log, sent, published, goAway, told: () => told };
}

const stream = 'directive-abcdefgh12345678';

it('publishes what is appended, under its own id, and reports it', async () => {
  const { log, sent, published, told } = start();
  const events = [event({ step: 'a' }), event({ step: 'b' })];
  await log.append({ stream, expectedVersion: 0, events });
  expect(sent.map(({ subject }) => subject)).toEqual(
    Array(2).fill('writ.event.directive.abcdefgh12345678.StepStarted'),
  );
  expect(sent.map(({ attributes }) => attributes.id)).toEqual(events.map(({ id }) => id));
  expect(sent[1]).toMatchObject({
    dataText: '{"step":"b"}',
    attributes: { source: '/writ/test', subject: stream, position: 2, version: 2, commandId: 'c' },
  });
  expect(published).toEqual([1, 2]);
  expect(told()).toBe(1);
});

it('has appended when it cannot publish, and leaves that to the relay by not reporting it', async () => {
  const { log, published, goAway, told } = start();
  goAway();
  const stored = await log.append({ stream, expectedVersion: 0, events: [event({})] });
  expect(stored).toHaveLength(1);
  expect([published, told()]).toEqual([[], 1]);
});

it('publishes nothing of what was not appended', async () => {
  const { log, sent, told } = start();
  const append = log.append({ stream, expectedVersion: 3, events: [event({})] });
  await expect(append).rejects.toThrow(VersionConflict);
  expect([sent, told()]).toEqual([[], 0]);
});
