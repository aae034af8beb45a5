/** The executor as a process. */
import { metricsOf, programMetrics } from '@writ/observability';
import { AllowList, Outbound } from '@writ/outbound-http';
import { connect, ReadModels, runService, type Host, type Opened } from '@writ/service-host';
import { ExecutorModule } from './app.module';
import { composeExecutor } from './compose-executor';
import { readConfig, type ExecutorConfig } from './config';
import { openDatabase } from './database';
import { FolderSweeper } from './folder-sweeper';
import { PostgresLeases } from './leases/postgres-leases';
import { openPrograms, placeCounts } from './open-programs';
import { RUN_PROJECTION, runRows } from './projections/run-rows';
import { StepHistoryRows, stepHistory } from './projections/step-history';
import { PostgresCacheTable } from './run-cache/postgres-cache-table';
import { successesInRows } from './run-cache/successes-of-step';

/** Less than what the host leaves reactions when the process stops. */
const leaveMs = 6_000;
/** Lives of a lease between two looks at what dead processes left. */
const SWEEP_AFTER_LEASES = 3;

async function open(host: Host<ExecutorConfig>): Promise<Opened> {
  const { config, logger, registry, seams } = host;
  const { bus, log, appends, content, checks, stop } = await connect(host);
  const counters = programMetrics(registry);
  const metrics = metricsOf(registry, 'executor');
  const programs = await openPrograms(config, process.env, { logger, counters, metrics });
  const executorId = config.SERVICE_INSTANCE;
  const ttlMs = config.WRIT_LEASE_MS;
  const url = config.DATABASE_URL;
  const pool = openDatabase(url, (error) => logger.warn({ err: error }, 'a connection was lost'));
  const projection = RUN_PROJECTION;
  const projections = [runRows, stepHistory];
  const readModels = new ReadModels({
    ...{ url, log, appends, logger, registry, projections, seams },
    giveWay: true,
  });
  const { executor, keeper, begin } = composeExecutor({
    ...{ executorId, log, bus, content, programs, logger, leaveMs, seams },
    cacheTable: new PostgresCacheTable({ pool, executorId, ttlMs, projection }),
    history: new StepHistoryRows(pool),
    leases: new PostgresLeases(pool, executorId, ttlMs),
    ...{ metrics, silenceMs: config.WRIT_WORKER_SILENCE_MS },
    outbound: new Outbound(new AllowList(config.WRIT_HTTP_ALLOW)),
    successesOf: successesInRows(pool),
    rebuild: (asked, progress) => readModels.rebuild(asked, progress),
  });
  const concurrency = { messages: config.WRIT_CONCURRENCY, places: placeCounts(config) };
  const sweeper = new FolderSweeper(executor, SWEEP_AFTER_LEASES * ttlMs);
  const sandbox = () => ({ ok: true, detail: `level ${programs.sandbox.level}` });
  return {
    bus,
    module: ExecutorModule.forRoot(executor, concurrency, registry, { ...checks, sandbox }),
    begin: async () => {
      await sweeper.start();
      programs.warden.start();
      await begin();
      readModels.begin();
    },
    stop: [
      { name: 'stop the sweeping', limitMs: 2_000, run: () => sweeper.stop() },
      { name: 'leave the workers', limitMs: 1_000, run: () => executor.workers.close() },
      { name: 'stop the heartbeats', limitMs: 3_000, run: () => keeper.stop() },
      { name: 'let the warden go', limitMs: 2_000, run: () => programs.warden.close() },
      { name: 'remove the pipes', limitMs: 1_000, run: () => programs.pipes.close() },
      readModels.stop,
      { name: 'close the leases', limitMs: 2_000, run: () => pool.end() },
      ...stop,
    ],
  };
}

void runService('executor', readConfig, open);
