export { describeInstall } from './describe-install';
export { freePort, isPortFree } from './loopback';
export { ServerError, type ServerErrorCode } from './server-error';
export { type ServerExit } from './child-server';
export { type PostgresOptions, type PostgresServer, startPostgres } from './start-postgres';
