import { busConformance } from './bus.conformance';
import { MemoryBus } from './memory-bus';
import { MemoryServer } from './memory-server';

describe('the bus in memory', () => {
  busConformance(async () => {
    const server = new MemoryServer();
    const stranger = new MemoryBus({ server, name: 'stranger' });
    return {
      connect: async (name, claimCheck) => new MemoryBus({ server, name, claimCheck }),
      publishRaw: (subject, body, headers = {}) => {
        return stranger.publish(subject, body, new Map(Object.entries(headers)));
      },
      crash: async (bus) => (bus as MemoryBus).crash(),
      stop: () => stranger.drain(0),
    };
  });
});
