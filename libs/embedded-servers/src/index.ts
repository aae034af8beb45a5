export { type ServerExit } from './child-server';
export { describeInstall } from './describe-install';
export { isFolderInUse } from './folder-claim';
export { freePort, isPortFree } from './loopback';
export { identityOf, isSameProcessAlive, type ProcessIdentity } from './process-identity';
export { ServerError, type ServerErrorCode } from './server-error';
export { type NatsOptions, type NatsServer, startNats } from './start-nats';
export {
  initPostgres,
  type PostgresOptions,
  type PostgresServer,
  startPostgres,
} from './start-postgres';
export { tetherPrefix, watchFromOutside } from './tether';
