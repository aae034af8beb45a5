export type { WorkerEnd } from './handing';
export type { WorkerBus } from './worker-bus';
export { WorkerDesk, type Asked, type WorkerDeskOptions } from './worker-desk';
