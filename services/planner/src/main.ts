/** The planner as a process. */
import { PostgresSnapshotTable, SpareTime } from '@writ/event-log';
import { metricsOf } from '@writ/observability';
import { connect, ReadModels, runService, type Host, type Opened } from '@writ/service-host';
import { DataSource } from 'typeorm';
import { PlannerModule } from './app.module';
import { composePlanner } from './compose-planner';
import { readConfig, type PlannerConfig } from './config';
import { rebuildWithSnapshots } from './directive-snapshots';
import { People } from './people';
import { approvalRows, ApprovalRows } from './projections/approval-rows';
import { decisionRows, DecisionRows } from './projections/decision-rows';
import { directiveRows, DirectiveRows } from './projections/directive-rows';
import { ruleRows, RuleRows } from './projections/rule-rows';
import { scheduleRows, ScheduleRows } from './projections/schedule-rows';
import { composeRules } from './rules/compose-rules';
import { composeSchedules } from './schedules/compose-schedules';

const connectLimitMs = 5_000;
const upToNowMs = 3_000;

const openRows = (url: string): Promise<DataSource> =>
  new DataSource({
    ...{ type: 'postgres', url, applicationName: 'writ planner rows' },
    ...{ connectTimeoutMS: connectLimitMs, extra: { max: 2 } },
  }).initialize();

async function open(host: Host<PlannerConfig>): Promise<Opened> {
  const { config, logger, registry, seams } = host;
  const { bus, content, log, appends, checks, stop } = await connect(host);
  const database = await openRows(config.DATABASE_URL);
  const rows = seams.area('rows', new DirectiveRows(database));
  const approvals = seams.area('rows', new ApprovalRows(database));
  const table = new PostgresSnapshotTable(
    (text, values) => database.query(text, values),
    'planner',
  );
  const snapshotTable = seams.area('snapshot', table);
  const decisions = seams.area('rows', new DecisionRows(database));
  const projections = [directiveRows, approvalRows, decisionRows, scheduleRows, ruleRows];
  const url = config.DATABASE_URL;
  const readModels = new ReadModels({
    ...{ url, log, appends, logger, registry, projections, seams },
    giveWay: true,
  });
  const {
    planner,
    begin,
    stop: stopReconciler,
  } = composePlanner({
    ...{ log, bus, content, rows, approvals, decisions, logger },
    metrics: metricsOf(registry, 'planner', 'reconciler'),
    reconcileMs: config.WRIT_RECONCILE_MS,
    unattendedMs: config.WRIT_UNATTENDED_MS,
    maxWaiting: config.WRIT_MAX_WAITING,
    maxUnfinished: config.WRIT_MAX_UNFINISHED,
    stepsAhead: config.WRIT_STEPS_AHEAD,
    people: config.WRIT_PEOPLE === undefined ? undefined : People.parse(config.WRIT_PEOPLE),
    rowsUpToNow: () => readModels.upToNow(upToNowMs),
    snapshots: { table: snapshotTable, spareTime: new SpareTime() },
    rebuild: async (asked, progress) =>
      rebuildWithSnapshots(await readModels.rebuild(asked, progress), asked, { log, table }),
  });
  const schedules = composeSchedules({
    planner,
    rows: seams.area('rows', new ScheduleRows(database)),
    metrics: metricsOf(registry, 'schedules'),
    everyMs: config.WRIT_RECONCILE_MS,
    rowsUpToNow: () => readModels.upToNow(upToNowMs),
  });
  const rules = composeRules({
    planner,
    rows: seams.area('rows', new RuleRows(database)),
    everyMs: config.WRIT_RECONCILE_MS,
    rowsUpToNow: () => readModels.upToNow(upToNowMs),
  });
  return {
    bus,
    module: PlannerModule.forRoot(planner, schedules.schedules, rules.rules, registry, checks),
    begin: () => {
      readModels.begin();
      begin();
      schedules.begin();
      rules.begin();
    },
    stop: [
      { name: 'stop the schedules', limitMs: 5_000, run: schedules.stop },
      { name: 'stop the rules', limitMs: 5_000, run: rules.stop },
      { name: 'stop the reconciler', limitMs: 5_000, run: stopReconciler },
      readModels.stop,
      { name: 'close the read model', limitMs: 2_000, run: () => database.destroy() },
      ...stop,
    ],
  };
}

void runService('planner', readConfig, open);
