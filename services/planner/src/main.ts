/** The planner as a process. */
import { directiveDecider } from '@writ/domain';
import { Aggregates, Reconciler } from '@writ/event-log';
import { metricsOf } from '@writ/observability';
import { connect, ReadModels, runService, type Host, type Opened } from '@writ/service-host';
import { DataSource } from 'typeorm';
import { PlannerModule } from './app.module';
import { readConfig, type PlannerConfig } from './config';
import type { Planner } from './planner';
import { directiveRows, DirectiveRows } from './projections/directive-rows';
import { createReconciler } from './reconcile';

const stuckAfterRings = 10;
const connectLimitMs = 5_000;

async function open(host: Host<PlannerConfig>): Promise<Opened> {
  const { config, logger, registry } = host;
  const { bus, log, appends, checks, stop } = await connect(host);
  const database = await new DataSource({
    type: 'postgres',
    url: config.DATABASE_URL,
    applicationName: 'writ planner rows',
    connectTimeoutMS: connectLimitMs,
    extra: { max: 2 },
  }).initialize();
  const rows = new DirectiveRows(database);
  const metrics = metricsOf(registry, 'planner', 'reconciler');
  const projections = [directiveRows];
  const url = config.DATABASE_URL;
  const readModels = new ReadModels({ url, log, appends, logger, registry, projections });
  const planner: Planner = {
    ...{ log, bus, rows, logger, metrics },
    directives: new Aggregates({ log, decider: directiveDecider }),
    rebuild: (asked, progress) => readModels.rebuild(asked, progress),
  };
  const pass = createReconciler(planner, {
    unattendedMs: config.WRIT_UNATTENDED_MS,
    stuckAfterRings,
    now: () => performance.now(),
  });
  let reconciler: Reconciler | undefined;
  return {
    bus,
    module: PlannerModule.forRoot(planner, registry, checks),
    begin: async () => {
      readModels.begin();
      reconciler = new Reconciler({
        everyMs: config.WRIT_RECONCILE_MS,
        reconcile: async () => {
          await pass();
          for (const { status, count } of await rows.countByStatus()) {
            metrics.directives.set({ state: status }, count);
          }
          metrics.reconcilerLastPass.set(Date.now() / 1000);
        },
        onError: (error) => logger.error({ err: error }, 'a pass of the reconciler failed'),
      });
    },
    stop: [
      { name: 'stop the reconciler', limitMs: 5_000, run: () => reconciler?.stop() },
      readModels.stop,
      { name: 'close the read model', limitMs: 2_000, run: () => database.destroy() },
      ...stop,
    ],
  };
}

void runService('planner', readConfig, open);
