export type { WorkerEnd } from './handing';
export type { WorkerBus } from './worker-bus';
export { WorkerDesk, type Asked, type WorkerDeskOptions } from './worker-desk';
export { cases as conformanceCases } from './conformance/cases';
export {
  runConformance,
  type CaseResult,
  type ConformanceOptions,
  type ConformanceReport,
} from './conformance/run-conformance';
