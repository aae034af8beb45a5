export { AskTogether } from './ask-together';
export { messageOf, publishingLog, type PublishingLogOptions } from './publishing-log';
export { runService, type Host, type Opened, type ProcessConfig } from './run-service';
export { version } from './version';
export { claimCheckOf, connect, type ConnectConfig, type Connections } from './connect';
export { ReadModels } from './read-models';
export {
  failActions,
  FailpointError,
  parseFailpoints,
  plannedPoints,
  type FailAction,
  type Failpoint,
  type FailpointActions,
} from './failpoints';
export { noSeams, seamsWith, type Seams } from './installed-seams';
export { withPoints, type Points, type Reached } from './seams';
