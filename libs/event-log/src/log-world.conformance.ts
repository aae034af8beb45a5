/** What specs of the log in PostgreSQL stand on: a database, logs and links that are closed in the end. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { testDatabase, type TestDatabase } from '@writ/testing';
import { Client } from 'pg';
import type { EventLog, StoredEvent } from './event-log';
import { event } from './event-log.conformance';
import { openPostgresLog, type PostgresLogOptions } from './postgres-log';

type Link = Awaited<ReturnType<typeof openLink>>;

/** Call it once at the top of a spec; of use within its tests. */
export function logWorld() {
  let database: TestDatabase;
  let admin: Client;
  const opened: { close(): Promise<unknown> }[] = [];

  beforeAll(async () => {
    database = await testDatabase();
    admin = await session(database.adminUrl);
  });
  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.close();
  });
  afterAll(async () => {
    await admin.end();
    await database.drop();
  });

  const open = async (options: Partial<PostgresLogOptions> = {}) => {
    const log = await openPostgresLog({ url: database.urlFor('planner'), ...options });
    opened.push(log);
    return log;
  };
  const linked = async (how: { silent?: boolean } = {}): Promise<Link> => {
    const link = await openLink(database.urlFor('planner'), how);
    opened.push(link);
    return link;
  };
  return {
    open,
    /** The way to the database, for a log that the test opens and closes itself. */
    linked,
    overLink: async (options: Partial<PostgresLogOptions> = {}) => {
      const link = await linked();
      return { link, log: await open({ ...options, url: link.url }) };
    },
    url: (service: 'planner' | 'executor' | 'admin' = 'planner') =>
      service === 'admin' ? database.adminUrl : database.urlFor(service),
    /** Statements of a superuser. */
    sql: (text: string, values?: unknown[]) => admin.query(text, values),
  };
}

export async function session(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString });
  await client.connect();
  return client;
}

/** Appends so many events to a stream at a version. */
export function append(
  log: EventLog,
  stream: string,
  version: number,
  count = 1,
): Promise<StoredEvent[]> {
  const events = Array.from({ length: count }, () => event());
  return log.append({ stream, expectedVersion: version, events });
}

/** A link to PostgreSQL that a test can cut, silence, or rob of one reply. */
async function openLink(target: string, { silent = false } = {}) {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const nears = new Set<Socket>();
  let swallowing = false;
  const link = {
    url: '',
    swallowed: 0,
    refused: 0,
    /** Connections that the log has through it. */
    get open() {
      return nears.size;
    },
    /** The statement is done, the answer never arrives, the connection is gone. */
    swallowNextReply: () => (swallowing = true),
    /** Nothing arrives on the connections there are; new ones are sound. */
    goSilent: () => sockets.forEach((socket) => socket.removeAllListeners('data').resume()),
    down: async () => {
      isDown = true;
      sockets.forEach((socket) => socket.destroy());
    },
    up: async () => {
      isDown = false;
    },
    close: async () => {
      sockets.forEach((socket) => socket.destroy());
      await new Promise((resolve) => server.close(resolve));
    },
  };
  let isDown = false;
  const server: Server = createServer((near) => {
    sockets.add(near);
    nears.add(near);
    near
      .on('error', () => undefined)
      .on('close', () => {
        sockets.delete(near);
        nears.delete(near);
      });
    if (isDown) {
      link.refused += 1;
      near.destroy();
      return;
    }
    if (silent) return;
    const far = connect(Number(port), hostname);
    sockets.add(far);
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    near.on('close', () => far.destroy()).on('data', (bytes) => far.write(bytes));
    far.on('data', (bytes) => {
      if (!swallowing) return void near.write(bytes);
      swallowing = false;
      link.swallowed += 1;
      near.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  link.url = url.href;
  return link;
}
