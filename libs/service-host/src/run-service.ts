/**
 * How every service process begins and ends. Owns the order: environment, logger, connections, Nest,
 * consuming; and back. A service gives what is its own: a module made from the open host, and what it
 * wants stopped before the connections close.
 *
 * H1 Nothing is consumed before everything it needs is there; readiness says when it is.
 * H2 On SIGTERM: take nothing new, let reactions end, stop the service's own loops, close the
 *    connections. A process may be killed at any line all the same.
 * H3 A connection to NATS that is closed for good ends the process: alive but deaf helps nobody.
 */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { DynamicModule } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Bus } from '@writ/messaging';
import { JetStreamTransport } from '@writ/messaging';
import {
  createLogger,
  createRegistry,
  installShutdown,
  nestLogger,
  standBy,
  type Logger,
  type LogLevel,
  type Registry,
  type StopStep,
} from '@writ/observability';
import type { Failpoint } from './failpoints';
import { failpointsIn, installSeams, type Seams } from './installed-seams';
import { version } from './version';

export interface ProcessConfig {
  readonly HTTP_HOST: string;
  readonly HTTP_PORT: number;
  readonly LOG_LEVEL: LogLevel;
  readonly SERVICE_INSTANCE: string;
}

export interface Host<C extends ProcessConfig> {
  readonly service: string;
  readonly config: C;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly version: string;
  /** For whatever reaches out of the process; dead unless the environment plans failpoints. */
  readonly seams: Seams;
  /** For the bus: its connection has ended for good (H3). */
  readonly onClosed: (error: Error) => void;
}

export interface Opened {
  readonly bus: Bus;
  readonly module: DynamicModule;
  /** The service's own loops, begun once everything is connected. */
  readonly begin?: () => void | Promise<void>;
  /** Stopped after the bus was drained, in this order. */
  readonly stop: readonly StopStep[];
  /** More than health and metrics, for services with an HTTP side. */
  readonly configureHttp?: (app: NestExpressApplication) => void;
}

/** Runs the service until it is told to stop; never returns to a caller that goes on. */
export async function runService<C extends ProcessConfig>(
  service: string,
  readConfig: () => C,
  open: (host: Host<C>) => Promise<Opened>,
): Promise<void> {
  let config: C;
  let failpoints: Failpoint[];
  try {
    if (!(await standBy())) process.exit(0);
    config = readConfig();
    failpoints = failpointsIn(process.env);
  } catch (error) {
    process.stderr.write(`${service}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
  const { LOG_LEVEL: level, SERVICE_INSTANCE: instance } = config;
  const logger = createLogger({ service, instance, level });
  const steps: StopStep[] = [];
  const shutdown = installShutdown({ logger, steps, deadlineMs: 25_000 });
  const onClosed = (error: Error) => {
    if (!shutdown.stopping) shutdown.fail('the connection to NATS is closed for good', error); // H3
  };
  const registry = createRegistry(service, version);
  const seams = installSeams(service, failpoints, logger);
  try {
    await start({ service, config, logger, registry, version, seams, onClosed }, steps, open);
  } catch (error) {
    logger.fatal({ err: error }, `${service} could not start`);
    process.exit(1);
  }
}

const graceMs = 10_000;

async function start<C extends ProcessConfig>(
  host: Host<C>,
  steps: StopStep[],
  open: (host: Host<C>) => Promise<Opened>,
): Promise<void> {
  const { config, logger } = host;
  const { bus, module, begin, stop, configureHttp } = await open(host);
  const app = await NestFactory.create<NestExpressApplication>(module, {
    logger: nestLogger(logger),
    abortOnError: false,
    bodyParser: false,
    forceCloseConnections: true,
  });
  configureHttp?.(app);
  app.connectMicroservice({ strategy: new JetStreamTransport({ bus, graceMs }) });
  // Closing the application drains the bus: nothing new is taken, what runs may end. H2
  steps.push({ name: 'drain', limitMs: graceMs + 3_000, run: () => app.close() }, ...stop);
  await begin?.();
  await app.startAllMicroservices(); // H1
  await app.listen(config.HTTP_PORT, config.HTTP_HOST);
  const url = await app.getUrl();
  logger.info({ url, version: host.version, pid: process.pid }, `${host.service} is ready`);
}
