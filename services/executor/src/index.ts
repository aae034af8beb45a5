/** For the simulator, which runs the executor's own reactions over memory. */
export type { ActiveRun } from './active-runs';
export { commandOf } from './adapters';
export { composeExecutor } from './compose-executor';
export type { Leases } from './leases/leases';
export { leaseTable, MemoryLeases, type LeaseTable } from './leases/memory-leases';
export type { StepHost } from './open-programs';
export { runRows } from './projections/run-rows';
export type { CachedOutcome, CachedRun, CacheTable } from './run-cache/cache-table';
export {
  MemoryCacheTable,
  reservationTable,
  type ReservationTable,
} from './run-cache/memory-cache-table';
export { Places, placesOfEach } from './places';
export { analyseStep, type Analysis } from './stages/analyse-step';
export { leaveInTime, type Execution } from './stages/execute-step';
export { handedOut, type Outcome } from './stages/hand-out';
export { lost, processStep, type Tried } from './stages/process-step';
export { troubleOf } from './stages/try-program';
export { executorSubscriptions } from './subscriptions';
export type { Workshop } from './workshop';
export type { Repositories } from './workspaces/repositories';
