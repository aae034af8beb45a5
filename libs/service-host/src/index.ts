export { messageOf, publishingLog, type PublishingLogOptions } from './publishing-log';
export { runService, type Host, type Opened, type ProcessConfig } from './run-service';
export { version } from './version';
