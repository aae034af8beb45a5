/** The services as processes of the simulated world: their own composition over simulated parts. */
import { composeExecutor, executorSubscriptions, runRows } from '@writ/executor';
import { RecordLoops, Sealing } from '@writ/manifest';
import { connectHandlers } from '@writ/messaging';
import { metricsOf } from '@writ/observability';
import {
  approvalRows,
  composePlanner,
  decisionRows,
  directiveRows,
  PlannerSubscriptions,
} from '@writ/planner';
import { ReadModels } from '@writ/service-host';
import { composeVerifier, evaluationRows, VerifierSubscriptions } from '@writ/verifier';
import type { Projection } from '@writ/event-log';
import { lossy } from './mutants';
import type { SimulatedProcess, ServiceName } from './simulated-process';
import { simulatedChecks } from './simulated-checks';
import { SimulatedWarden } from './simulated-warden';
import { simulatedHost, simulatedWorkshop } from './simulated-workshop';
import { connectSimulated, type Connected, type Surroundings } from './surroundings';

/** Runs until it is stopped, which takes its time, or until its process is gone. */
export interface Running {
  stop(): Promise<void>;
}

type Start = (process: SimulatedProcess, around: Surroundings) => Promise<Running>;

export const leaseTtlMs = 10_000;
const leaveMs = 6_000;
const concurrency = 8;
const programsAtATime = 3;
/** As main.ts of the planner. */
const upToNowMs = 3_000;
/** Of the few events of a directive here: many are read back from a snapshot. */
const snapshotAtMost = 16;
const snapshotRestMs = 200;
/** As the environment's defaults have them. */
const reconciling = { reconcileMs: 2_000, unattendedMs: 4_000 };
const checksAtATime = 2;
/** As main.ts of the verifier: 0.6 of the acknowledgement wait. */
const verifierWardenMs = 18_000;

export const startProcess: Readonly<Record<ServiceName, Start>> = {
  planner: startPlanner,
  executor: startExecutor,
  verifier: startVerifier,
  manifest: startKeeper,
};

const rebuild = () => Promise.reject(new Error('nothing is rebuilt while the simulator runs'));

function readModelsOf(
  process: SimulatedProcess,
  around: Surroundings,
  { log, appends, logger, registry, random, seams }: Connected,
  projections: readonly Projection[],
): ReadModels {
  const seats = around.database.seatsFor(process);
  const { clock } = process;
  return new ReadModels({
    ...{ url: '', log, appends, logger, registry, projections, seats, seams, clock, random },
  });
}

const plannerRows = [directiveRows, approvalRows, decisionRows];
const nobodyAsks = {
  page: () => Promise.reject(new Error('nobody asks for decisions in the simulator')),
  ofRuns: () => Promise.reject(new Error('nobody asks for decisions in the simulator')),
};

async function startPlanner(process: SimulatedProcess, around: Surroundings): Promise<Running> {
  const connected = connectSimulated(process, around, concurrency);
  const { bus, log, content, logger, registry, random, newId, seams } = connected;
  const { clock } = process;
  const table = seams.area('snapshot', around.database.snapshotsFor(process));
  const snapshots = {
    table: around.mutant === 'lossy-snapshots' ? lossy(table) : table,
    everyEvents: 1 + Math.floor(random() * snapshotAtMost),
    restMs: random() * snapshotRestMs,
  };
  const readModels = readModelsOf(process, around, connected, plannerRows);
  const { planner, begin, stop } = composePlanner({
    ...{ log, bus, content, logger, clock, random, newId, rebuild, snapshots, ...reconciling },
    rows: seams.area('rows', around.database.rowsFor(process)),
    approvals: seams.area('rows', around.database.approvalsFor(process)),
    decisions: nobodyAsks,
    rowsUpToNow: () => readModels.upToNow(upToNowMs),
    metrics: metricsOf(registry, 'planner', 'reconciler'),
  });
  readModels.begin();
  if (around.mutant !== 'no-reconciler') begin();
  await connectHandlers(bus, new PlannerSubscriptions(planner));
  return {
    stop: async () => {
      await connected.drain();
      await stop();
      await readModels.stop.run();
    },
  };
}

async function startExecutor(process: SimulatedProcess, around: Surroundings): Promise<Running> {
  const connected = connectSimulated(process, around, concurrency);
  const { bus, log, content, logger, registry, random, newId, seams } = connected;
  const { database, machine, git, time } = around;
  const { clock, name: executorId } = process;
  const warden = new SimulatedWarden(process, time, leaseTtlMs * 0.6);
  machine.watch(process, warden);
  const host = simulatedHost(programsAtATime, warden);
  const tools = { process, machine, warden, git, host, content, clock, random, leaveMs };
  const readModels = readModelsOf(process, around, connected, [runRows]);
  const { executor, keeper, begin } = composeExecutor({
    ...{ executorId, log, bus, content, logger, clock, random, newId, rebuild, leaveMs, seams },
    programs: host,
    repositories: git,
    workshop: simulatedWorkshop(tools),
    leases: database.leasesFor(process, executorId, leaseTtlMs),
    cacheTable: database.cacheTableFor(process, leaseTtlMs),
    history: { runsOf: () => Promise.resolve(new Map()) }, // nobody asks for a plan here
    successesOf: () => Promise.reject(new Error('nobody asks why in the simulator')),
    metrics: metricsOf(registry, 'executor'),
    outbound: { request: () => Promise.reject(new Error('there is nobody outside')) },
    silenceMs: leaseTtlMs,
  });
  await begin();
  readModels.begin();
  const places = { program: concurrency, shell: concurrency, http: 1, worker: 1 };
  const Subscriptions = executorSubscriptions({ messages: concurrency, places });
  await connectHandlers(bus, new Subscriptions(executor) as object);
  return {
    stop: async () => {
      await connected.drain();
      await keeper.stop();
      await readModels.stop.run();
    },
  };
}

async function startVerifier(process: SimulatedProcess, around: Surroundings): Promise<Running> {
  const connected = connectSimulated(process, around, checksAtATime);
  const { bus, log, content, logger, registry, random, newId, seams } = connected;
  const { clock } = process;
  const warden = new SimulatedWarden(process, around.time, verifierWardenMs);
  const checks = { program: simulatedChecks(process, warden) };
  const { program: runProgram } = seams.area('check', checks);
  const readModels = readModelsOf(process, around, connected, [evaluationRows]);
  const folder = { root: '/simulated', readOnlyPaths: [], close: () => Promise.resolve() };
  const nowhere = () => Promise.resolve('/simulated');
  const verifier = composeVerifier({
    ...{ log, bus, content, logger, clock, random, newId, rebuild, runProgram },
    folders: { make: nowhere, makeWith: nowhere, remove: () => Promise.resolve() },
    ask: () => Promise.reject(new Error('nobody is outside of a simulation')),
    readRepository: () => Promise.resolve({ names: new Set(), texts: new Map() }),
    openSnapshot: () => Promise.resolve(folder),
    environment: {},
    metrics: metricsOf(registry, 'verifier'),
  });
  readModels.begin();
  await connectHandlers(bus, new VerifierSubscriptions(verifier));
  return {
    stop: async () => {
      await connected.drain();
      await readModels.stop.run();
    },
  };
}

async function startKeeper(process: SimulatedProcess, around: Surroundings): Promise<Running> {
  const connected = connectSimulated(process, around, concurrency);
  const { bus, log, content, logger, registry, random, newId } = connected;
  const { clock } = process;
  const metrics = metricsOf(registry, 'manifest');
  const sealing = new Sealing({ log, content, engineVersion: '0.0.0', metrics, clock, newId });
  const loops = new RecordLoops({
    ...{ log, bus, logger, registry, metrics, sealing, clock, random },
    seats: around.database.seatsFor(process),
  });
  await loops.begin();
  return {
    stop: async () => {
      await connected.drain();
      for (const step of loops.stop) await step.run();
    },
  };
}
