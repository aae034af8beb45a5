export { LiveLog } from './process/live-log';
export { endMarked, processesWith } from './process/process-tree';
export { launcherComplaint } from './process/read-exit';
export {
  GRACE_MS,
  runProcess,
  type ProcessEnd,
  type ProcessOptions,
  type StopReason,
} from './process/run-process';
export { StdoutFile } from './process/stdout-file';
export { Transcript, type Said } from './process/transcript';
export { Warden } from './process/warden';
export {
  openProgramHost,
  type ProgramCounters,
  type ProgramHost,
  type ProgramSettings,
} from './program-host';
export { redactText, secretIn } from './redaction/redactor';
export { looksLikeSecret, needlesOf, type Needle } from './redaction/secrets';
export { findProgram, isInside, placesOf } from './sandbox/find-program';
export { ownFoldersIn } from './sandbox/own-folders';
export type { Place, ProgramRun, Sandbox } from './sandbox/sandbox';
