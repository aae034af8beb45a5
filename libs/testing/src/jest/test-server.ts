// The one PostgreSQL of a test run. The folder that initdb makes is kept below node_modules/.cache
// and copied for each run, so that two runs at once never share a server.
import {
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

type Servers = typeof import('@writ/embedded-servers');

const ROOT = join(__dirname, '../../../..');
const CACHE = join(ROOT, 'node_modules/.cache/writ/test-postgres');
// Jest maps the names of our packages in spec files but not here; unmapped they mean the build.
const SOURCES = join(ROOT, 'libs/embedded-servers/src/index.ts');
const PREFIX = 'writ-test-postgres-';
const LEFTOVERS = { [PREFIX]: 'data', 'writ-test-nats-': 'store' };
const STALE_AFTER_MS = 10 * 60_000;

export interface TestServer {
  /** A superuser's, database `postgres`. */
  url: string;
  stop(): Promise<void>;
}

/** WRIT_TEST_POSTGRES_URL names a server to use instead of an embedded one. */
export async function startTestServer(): Promise<TestServer> {
  const given = process.env['WRIT_TEST_POSTGRES_URL'];
  if (given) return { url: given, stop: async () => undefined };
  const servers: Servers = await import(SOURCES);
  removeLeftovers(servers);
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  try {
    const server = await start(join(folder, 'data'), servers);
    return {
      url: server.url,
      stop: async () => {
        await server.stop({ immediate: true });
        remove(folder);
      },
    };
  } catch (error) {
    remove(folder);
    throw error;
  }
}

async function start(dataDir: string, servers: Servers) {
  copyCached(dataDir, servers);
  try {
    return await servers.startPostgres({ dataDir, tetherToParent: true });
  } catch (error) {
    if ((error as { code?: string }).code !== 'VERSION_MISMATCH') throw error;
    // The copy was made by a PostgreSQL that has been replaced since.
    for (const path of [CACHE, dataDir]) remove(path);
    return servers.startPostgres({ dataDir, tetherToParent: true });
  }
}

function copyCached(dataDir: string, servers: Servers): void {
  if (!existsSync(CACHE) && !fillCache(servers)) return;
  for (const [from, to] of [
    ['data', dataDir],
    ['data.password', `${dataDir}.password`],
  ] as const) {
    cpSync(join(CACHE, from), to, { recursive: true, mode: constants.COPYFILE_FICLONE });
  }
}

/** False where nothing can be written; the run then makes its folder itself. */
function fillCache(servers: Servers): boolean {
  const draft = `${CACHE}.${process.pid}`;
  try {
    mkdirSync(dirname(CACHE), { recursive: true });
    servers.initPostgres({ dataDir: join(draft, 'data') });
    renameSync(draft, CACHE);
  } catch {
    remove(draft);
  }
  return existsSync(CACHE); // perhaps filled by another run at the same moment
}

/** A run that was killed could not remove its folders; its servers ended with it. */
function removeLeftovers(servers: Servers): void {
  const names = readdirSync(tmpdir());
  for (const [prefix, inside] of Object.entries(LEFTOVERS)) {
    for (const name of names.filter((entry) => entry.startsWith(prefix))) {
      const folder = join(tmpdir(), name);
      const { mtimeMs, uid } = statSync(folder, { throwIfNoEntry: false }) ?? {};
      if (mtimeMs === undefined || uid !== process.getuid?.()) continue;
      if (Date.now() - mtimeMs < STALE_AFTER_MS) continue; // another run may be starting in it
      if (!servers.isFolderInUse(join(folder, inside))) remove(folder);
    }
  }
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}
