/** The administration of a server that has every stream and consumer of the table, or says it has. */
import { streams } from '@writ/contracts';
import type { ConsumerDefinition } from '@writ/contracts';
import type { JetStreamManager, NatsConnection } from 'nats';
import { silentLogger } from './bus-hooks';
import { JetStreamAdmin } from './jetstream-admin';
import { consumerConfig, streamConfig } from './topology';

export interface Script {
  /** Up to which sequence the consumer has seen messages. */
  readonly seen?: number;
  /** The last sequence of its stream, as it is told one time after the other. */
  readonly last?: number[];
}

export function scriptedAdmin(
  consumer: ConsumerDefinition,
  connection: NatsConnection,
  { seen = 0, last = [] }: Script = {},
) {
  const deleted: string[] = [];
  const looks = { count: 0 };
  const table = Object.values(streams);
  const jsm = {
    streams: {
      info: async (name: string) => {
        const definition = table.find((stream) => stream.name === name)!;
        return { config: streamConfig(definition), state: { last_seq: last.shift() ?? 0 } };
      },
    },
    consumers: {
      info: async () => {
        looks.count += 1;
        const place = { stream_seq: seen };
        const config = consumerConfig(consumer, 1);
        return { config, num_pending: 4, delivered: place, ack_floor: place };
      },
      delete: async (_: string, name: string) => deleted.push(name),
    },
  } as unknown as JetStreamManager;
  return { deleted, looks, admin: new JetStreamAdmin(connection, jsm, table, silentLogger, {}) };
}
