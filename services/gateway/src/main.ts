import 'reflect-metadata';

import { connectJetStreamBus, type JetStreamBus } from '@writ/messaging';
import {
  busMetrics,
  createLogger,
  createRegistry,
  installShutdown,
  standBy,
} from '@writ/observability';

import { Backend } from './backend';
import { readConfig } from './config';
import { claimCheckOver } from './content';
import { serve, type Served } from './serve';
import { VERSION } from './version';

async function main(): Promise<void> {
  if (!(await standBy())) return;
  const config = readConfig();
  const { LOG_LEVEL: level, SERVICE_INSTANCE: instance } = config;
  const logger = createLogger({ service: 'gateway', instance, level });
  const registry = createRegistry('gateway', VERSION);
  const open: { served?: Served; bus?: JetStreamBus } = {};
  const shutdown = installShutdown({
    logger,
    steps: [
      { name: 'end streams and requests', limitMs: 15_000, run: () => open.served?.stop() },
      { name: 'close the bus', limitMs: 10_000, run: () => open.bus?.drain(5_000) },
    ],
  });
  const bus = await connectJetStreamBus({
    servers: config.NATS_URL,
    ...(config.NATS_TOKEN === undefined ? {} : { token: config.NATS_TOKEN }),
    name: 'gateway',
    claimCheck: claimCheckOver(() => new Backend(bus)),
    logger,
    metrics: busMetrics(registry),
    onClosed: (error) => shutdown.fail('the gateway cannot work without NATS', error),
  });
  open.bus = bus;
  open.served = await serve(
    { bus, deadLetters: bus.deadLetters, logger, registry },
    { host: config.HTTP_HOST, port: config.HTTP_PORT, token: config.WRIT_TOKEN },
  );
  logger.info({ url: open.served.url }, 'the gateway is ready');
}

main().catch((error: unknown) => {
  process.stderr.write(`gateway: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
