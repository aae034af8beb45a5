// Brings a clone to the point where it runs, with nothing but Node: packages, the NATS server, the
// build. Does only what is missing. `--quiet` says nothing when nothing was missing.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

import { describeTrouble, installNats } from './install-nats.mjs';
import { npmCommand, npmEnvironment } from './npm.mjs';

const NEEDED = [20, 19];
const INSTALL_LIMIT_MS = 15 * 60_000;
const BUILD_LIMIT_MS = 10 * 60_000;
const STILL_AT_IT_MS = 20_000;
const TAIL_LINES = 60;

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const quiet = process.argv.includes('--quiet');

requireNode();
if (!packagesAreInstalled()) {
  const [program, ...before] = npmCommand();
  await step('installing packages', INSTALL_LIMIT_MS, program, [...before, 'ci']);
}
const trouble = installNats(); // npm may be set to run no install scripts
if (trouble) say(describeTrouble(trouble));
await build();

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return;
  say(
    `Node ${NEEDED.join('.')} or newer is needed, this is ${process.versions.node} (${process.execPath})`,
  );
  process.exit(1);
}

/**
 * npm notes below node_modules what it installed. Contents are compared, not times: a checkout
 * or a copy moves times without changing anything, and `npm ci` throws everything away first.
 */
function packagesAreInstalled() {
  const noted = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(noted)) return false;
  const wanted = readPackages(join(root, 'package-lock.json'));
  const installed = readPackages(noted);
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '' || !path.includes('node_modules/')) return true; // a workspace of ours
    const found = installed[path];
    // npm leaves out what is for another system.
    return found ? found.version === version : Boolean(optional);
  });
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

async function build() {
  const nx = join(root, 'node_modules', 'nx', 'dist', 'bin', 'nx.js');
  const args = [nx, 'run-many', '-t', 'build', 'bundle', '--outputStyle=static'];
  const allCached = (output) =>
    /read the output from the cache instead of running the command for (\d+) out of \1 tasks/i.test(
      output,
    );
  await step('building', BUILD_LIMIT_MS, process.execPath, args, allCached);
}

/** Runs a program with its output kept back; shows the end of it when the program fails. */
async function step(what, limitMs, program, args, wasNothing = () => false) {
  const began = Date.now();
  const seconds = () => `${((Date.now() - began) / 1000).toFixed(1)} s`;
  if (!quiet) say(`${what} ...`);
  const reminder = setInterval(() => say(`still ${what} (${seconds()})`), STILL_AT_IT_MS);
  const { failure, output } = await run(program, args, limitMs);
  clearInterval(reminder);
  if (failure) {
    const tail = output.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
    process.stderr.write(`${process.stderr.isTTY ? tail : stripVTControlCharacters(tail)}\n`);
    say(`${what} failed after ${seconds()}: ${failure}`);
    process.exit(1);
  }
  const nothing = wasNothing(output);
  if (!quiet || !nothing) say(`${what}: ${nothing ? 'up to date' : 'done'} (${seconds()})`);
}

function run(program, args, limitMs) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...npmEnvironment(), NX_DAEMON: 'false', NX_TUI: 'false' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    }
    let tooLong = false;
    const limit = setTimeout(() => {
      tooLong = true;
      child.kill('SIGKILL');
    }, limitMs);
    const end = (failure) => {
      clearTimeout(limit);
      resolve({ failure, output });
    };
    child.once('error', (error) => end(`${program} could not be started: ${error.message}`));
    child.once('close', (code, signal) => {
      if (tooLong) end(`it took longer than ${limitMs / 60_000} minutes`);
      else end(code === 0 ? undefined : `it ended with ${signal ?? code}`);
    });
  });
}

function say(line) {
  process.stderr.write(`writ: ${line}\n`);
}
