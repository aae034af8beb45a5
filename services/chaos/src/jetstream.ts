/** The server of messages as an operator sees it, past all proxies: what it holds, and what is taken away. */
import { connect, type ConsumerInfo, type JetStreamManager, type StreamInfo } from 'nats';
import type { Harness } from './harness';

type Reached = Pick<Harness, 'natsAddress'>;

export async function withJetStream<T>(
  { natsAddress }: Reached,
  work: (manager: JetStreamManager) => Promise<T>,
): Promise<T> {
  const connection = await connect({ ...natsAddress, timeout: 5_000, maxReconnectAttempts: 2 });
  try {
    return await work(await connection.jetstreamManager({ timeout: 5_000, checkAPI: false }));
  } finally {
    await connection.close();
  }
}

export interface Held {
  readonly streams: readonly StreamInfo[];
  readonly consumers: readonly ConsumerInfo[];
}

export const whatIsHeld = (reached: Reached): Promise<Held> =>
  withJetStream(reached, async (manager) => {
    const streams = await manager.streams.list().next();
    const consumers: ConsumerInfo[] = [];
    for (const { config } of streams) {
      consumers.push(...(await manager.consumers.list(config.name).next()));
    }
    return { streams, consumers };
  });

/** Takes away, behind everybody's back, streams and the consumers of others; what was there of them. */
export const takeAway = (
  reached: Reached,
  { streams, consumersOf }: { streams: readonly string[]; consumersOf: readonly string[] },
): Promise<string[]> =>
  withJetStream(reached, async (manager) => {
    const there = (await manager.streams.list().next()).map(({ config }) => config.name);
    const taken = streams.filter((it) => there.includes(it));
    for (const stream of taken) await manager.streams.delete(stream);
    for (const stream of consumersOf.filter((it) => there.includes(it))) {
      for (const { name } of await manager.consumers.list(stream).next()) {
        await manager.consumers.delete(stream, name);
        taken.push(`${stream}/${name}`);
      }
    }
    return taken;
  });
