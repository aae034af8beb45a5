import { startTestServer, type TestServer } from './test-server';

declare global {
  // Setup and teardown run in one process but are loaded as two modules.
  var writTestServer: TestServer | undefined;
}

/** Spec files find the server through WRIT_TEST_DATABASE_URL; see test-database.ts. */
export default async function globalSetup(): Promise<void> {
  globalThis.writTestServer = await startTestServer();
  process.env['WRIT_TEST_DATABASE_URL'] = globalThis.writTestServer.url;
}
