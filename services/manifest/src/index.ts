/** For the simulator, which runs the keeper's own loops over memory. */
export { manifestRows } from './projections/manifest-rows';
export { RecordLoops } from './record-loops';
export { Sealing } from './seal-manifests';
