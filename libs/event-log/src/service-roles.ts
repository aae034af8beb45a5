/**
 * The login roles of the services and the settings they run under. A role owns nothing: it may
 * append and read, and do as it likes with the rows of its own schema.
 */
export const services = ['planner', 'executor', 'verifier', 'manifest'] as const;
export type Service = (typeof services)[number];

/** Owns the schemas and the append function; nobody logs in as it. */
export const OWNER_ROLE = 'writ_owner';

export const roleOf = (service: Service) => `writ_${service}`;

/**
 * Without them one client that is stopped or cut off keeps the head row, and with it the whole log,
 * for ever. Each has a test.
 */
export const roleSettings = {
  lock_timeout: '2s',
  statement_timeout: '15s',
  idle_in_transaction_session_timeout: '5s',
  client_connection_check_interval: '500ms',
  tcp_keepalives_idle: '10',
  synchronous_commit: 'on',
} as const;
