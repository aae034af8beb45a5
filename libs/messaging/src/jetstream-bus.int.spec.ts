import { connect, headers as natsHeaders } from 'nats';
import { testNats } from '@writ/testing';
import { busConformance } from './bus.conformance';
import { connectJetStreamBus } from './connect-jetstream-bus';
import type { JetStreamBus } from './jetstream-bus';

describe('the bus over JetStream', () => {
  busConformance(async () => {
    const nats = await testNats();
    const stranger = await connect({ servers: nats.url });
    return {
      connect: (name, claimCheck) => connectJetStreamBus({ servers: nats.url, name, claimCheck }),
      publishRaw: async (subject, body, given = {}) => {
        const headers = natsHeaders();
        for (const [name, value] of Object.entries(given)) headers.set(name, value);
        await stranger.jetstream().publish(subject, body, { headers });
      },
      crash: async (bus) => (bus as JetStreamBus)['connection'].close(),
      stop: async () => {
        await stranger.close();
        await nats.stop();
      },
    };
  });
});
