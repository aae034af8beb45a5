// What `npm test` runs once everything is prepared: lint, types, tests, in this order, up to the first
// that fails. With the name of a step only that step (`tests` also takes paths of specs); `format`
// rewrites what lint finds unformatted.
// The last line of the tests is plain: `N passed, N failed`.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npmEnvironment } from './npm.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const minute = 60_000;
/** Programs colour their lines on a build server too, unless they are told. */
const plain = process.stderr.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined };

/** argv of a program that an installed package brings: no shell, no npx, no PATH. */
function program(name, bin = name) {
  const manifest = require.resolve(`${name}/package.json`);
  const { bin: bins } = require(manifest);
  return [process.execPath, join(dirname(manifest), typeof bins === 'string' ? bins : bins[bin])];
}

const formatted = ['{libs,services}/*/src/**/*.{ts,tsx}', '.config/*.{mjs,cjs}', 'deploy/**/*.mjs'];
const prettier = (what) => [
  ...program('prettier'),
  ...['--config', '.config/prettierrc.json', '--log-level', 'warn', what, ...formatted],
];
const eslint = [
  ...program('eslint'),
  ...['--config', '.config/eslint.config.mjs', '--max-warnings', '0', 'libs', 'services'],
];

const steps = {
  lint: () =>
    all(
      run(eslint, 5 * minute),
      run(prettier('--check'), 5 * minute, 'to format: node .config/check.mjs format'),
    ),
  types: () =>
    run([...program('typescript', 'tsc'), '--noEmit', '-p', '.config/tsconfig.json'], 5 * minute),
  tests,
};

const [wanted, ...specs] = process.argv.slice(2);
if (wanted === 'format') process.exit((await run(prettier('--write'), 5 * minute)) ? 0 : 1);
if (wanted !== undefined && !(wanted in steps)) {
  say(`there is no step ${wanted}; there are ${Object.keys(steps).join(', ')} and format`);
  process.exit(2);
}
for (const [name, step] of Object.entries(steps)) {
  if (wanted !== undefined && wanted !== name) continue;
  const began = Date.now();
  const passed = await step();
  say(`${name} ${passed ? 'passed' : 'failed'} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  if (!passed) process.exit(1);
}

async function all(...running) {
  return (await Promise.all(running)).every(Boolean);
}

async function tests() {
  const folder = mkdtempSync(join(tmpdir(), 'writ-check-'));
  const file = join(folder, 'jest.json');
  try {
    const passed = await run(
      [
        ...program('jest'),
        '--config',
        '.config/jest.config.cjs',
        '--json',
        `--outputFile=${file}`,
        ...specs,
      ],
      30 * minute,
    );
    if (!existsSync(file)) return false; // jest could not begin, and has said why
    const report = JSON.parse(readFileSync(file, 'utf8'));
    sayTotals(report);
    return passed && report.success;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A spec file that could not be run counts as one failure. */
function sayTotals({ testResults, numPassedTests, numFailedTests, numRuntimeErrorTestSuites }) {
  for (const { assertionResults } of testResults) {
    for (const { fullName, status } of assertionResults) {
      if (status === 'pending') say(`left out on this machine: ${fullName}`);
    }
  }
  const failed = numFailedTests + numRuntimeErrorTestSuites;
  process.stdout.write(`${numPassedTests} passed, ${failed} failed\n`);
}

/** True when it ends with 0. Its output goes where ours goes; what it prints as JSON is not wanted. */
function run(argv, limitMs, cure) {
  return new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), {
      cwd: root,
      stdio: ['ignore', argv.includes('--json') ? 'ignore' : 'inherit', 'inherit'],
      env: { ...npmEnvironment(), ...plain, NX_DAEMON: 'false' },
    });
    const stop = (signal) => child.kill(signal);
    process.on('SIGTERM', stop).on('SIGINT', stop);
    const limit = setTimeout(() => {
      say(`${argv[1]} took longer than ${limitMs / minute} minutes`);
      child.kill('SIGKILL');
    }, limitMs);
    const end = (passed) => {
      clearTimeout(limit);
      process.off('SIGTERM', stop).off('SIGINT', stop);
      if (!passed && cure) say(cure);
      resolve(passed);
    };
    child.once('error', (error) => {
      say(`${argv[0]} could not be started: ${error.message}`);
      end(false);
    });
    child.once('close', (code) => end(code === 0));
  });
}

function say(line) {
  process.stderr.write(`writ: ${line}\n`);
}
