/** The executor as a process. */
import { runDecider } from '@writ/domain';
import { Aggregates } from '@writ/event-log';
import { metricsOf } from '@writ/observability';
import { connect, ReadModels, runService, type Host, type Opened } from '@writ/service-host';
import { ActiveRuns } from './active-runs';
import { ExecutorModule } from './app.module';
import { hearOutcomes } from './cancel-runs';
import { readConfig, type ExecutorConfig } from './config';
import { openPool } from './database';
import { DirectiveWatch } from './directive-watch';
import type { Executor } from './executor';
import { LeaseKeeper } from './leases/lease-keeper';
import { PostgresLeases } from './leases/postgres-leases';
import { openPrograms } from './open-programs';
import { RUN_PROJECTION, runRows } from './projections/run-rows';
import { PostgresCacheTable } from './run-cache/postgres-cache-table';
import { RunCache } from './run-cache/run-cache';
import { sweepWorkFolders } from './work-folders';

/** A run is looked at when it begins and when it ends; this spares the reading in between. */
const cacheSize = 1_000;
/** Less than what the host leaves reactions when the process stops. */
const leaveMs = 6_000;

async function open(host: Host<ExecutorConfig>): Promise<Opened> {
  const { config, logger, registry } = host;
  const { bus, log, appends, content, checks, stop } = await connect(host);
  const programs = await openPrograms(config, process.env, logger);
  const executorId = config.SERVICE_INSTANCE;
  const ttlMs = config.WRIT_LEASE_MS;
  const url = config.DATABASE_URL;
  const pool = openPool(url, (error) => logger.warn({ err: error }, 'a connection was lost'));
  const table = new PostgresCacheTable({ pool, executorId, ttlMs, projection: RUN_PROJECTION });
  const projections = [runRows];
  const readModels = new ReadModels({ url, log, appends, logger, registry, projections });
  const executor: Executor = {
    ...{ executorId, log, bus, content, programs, logger, leaveMs },
    runs: new Aggregates({ log, decider: runDecider, cacheSize }),
    cache: new RunCache({ table, log, bus }),
    leases: new PostgresLeases(pool, executorId, ttlMs),
    active: new ActiveRuns(),
    watch: new DirectiveWatch(log),
    metrics: metricsOf(registry, 'executor'),
    time: () => new Date().toISOString(),
    random: Math.random,
    rebuild: (asked, progress) => readModels.rebuild(asked, progress),
  };
  const pace = { everyMs: ttlMs / 4, marginMs: ttlMs / 5 };
  const keeper = new LeaseKeeper({ ...executor, ...pace });
  const concurrency = { messages: config.WRIT_CONCURRENCY, programs: config.WRIT_MAX_PROGRAMS };
  const sandbox = () => ({ ok: true, detail: `level ${programs.sandbox.level}` });
  return {
    bus,
    module: ExecutorModule.forRoot(executor, concurrency, registry, { ...checks, sandbox }),
    begin: async () => {
      const swept = await sweepWorkFolders(programs.dataDir, executor.leases);
      if (swept > 0) logger.info(`removed ${swept} folders that earlier processes left`);
      programs.warden.start();
      keeper.start();
      await hearOutcomes(executor);
      readModels.begin();
    },
    stop: [
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
