import type { RepositoryFiles } from '../detection/repository-files';
import { checkDetected } from './check-detected';
import { ProgramNotStarted, type ProgramEnd, type RunProgram } from './run-program';
import type { CheckContext } from './verdict';
import { detectChecks } from '../detection/detect-checks';

const files = (given: Readonly<Record<string, string>>): RepositoryFiles => ({
  names: new Set(Object.keys(given)),
  texts: new Map(Object.entries(given)),
});
const ending = (more: Partial<ProgramEnd>): RunProgram => {
  return () =>
    Promise.resolve({
      ...{ exitCode: 1, signal: null, timedOut: false, output: '', sandbox: 'S2' },
      ...more,
    });
};
function check(given: Readonly<Record<string, string>>, runProgram: RunProgram) {
  const here = files(given);
  const [detected] = detectChecks(here, ['test']);
  const context = {
    ...{ root: '/', scratch: '/tmp', readOnlyPaths: [], environment: {}, runProgram },
    signal: new AbortController().signal,
  } as unknown as CheckContext;
  return checkDetected({ kind: 'detected' }, detected!, here, context);
}

const node = { 'package.json': '{"scripts":{"test":"x"}}' };
const withDependencies = { 'package.json': '{"scripts":{"test":"x"},"dependencies":{"a":"1"}}' };

test.each<[string, Record<string, string>, Partial<ProgramEnd>, string]>([
  ['a test that passes', node, { exitCode: 0 }, 'passed'],
  ['a test that fails', node, {}, 'failed'],
  ['a test that hangs', node, { exitCode: null, signal: 'SIGKILL', timedOut: true }, 'failed'],
  ['a tool of a script that is not there', node, { exitCode: 127 }, 'error'],
  ['a tool that may not run', node, { exitCode: 126 }, 'error'],
  ['pytest that found a failure', { 'pytest.ini': '' }, {}, 'failed'],
  ['pytest that found no test', { 'pytest.ini': '' }, { exitCode: 5 }, 'error'],
  ['Go tests that fail', { 'go.mod': '' }, { output: 'FAIL example.com/a\n' }, 'failed'],
  [
    'Go without a network',
    { 'go.mod': '' },
    { output: 'Get "https://proxy.golang.org/x": dial tcp: lookup proxy.golang.org' },
    'error',
  ],
  [
    'cargo without a registry',
    { 'Cargo.toml': '' },
    { exitCode: 101, output: 'error: failed to get `serde` as a dependency' },
    'error',
  ],
  [
    'cargo without a toolchain',
    { 'Cargo.toml': '' },
    { output: 'error: rustup could not choose a version of cargo to run, because one was not' },
    'error',
  ],
  ['Maven that is not whole', { 'pom.xml': '' }, { exitCode: 100 }, 'error'],
  [
    'Maven without a home',
    { 'pom.xml': '' },
    { output: '[ERROR] Could not create local repository at /root/.m2/repository' },
    'error',
  ],
  ['Maven whose tests fail', { 'pom.xml': '' }, { output: 'There are test failures.' }, 'failed'],
  ['cargo whose tests fail', { 'Cargo.toml': '' }, { exitCode: 101, output: 'panicked' }, 'failed'],
  [
    'Maven without a repository',
    { 'pom.xml': '' },
    { output: 'Could not transfer artifact org.x:y:pom:1 from central: Unknown host' },
    'error',
  ],
  [
    'dbt without a profile',
    { 'dbt_project.yml': '' },
    { exitCode: 2, output: "Could not find profile named 'x'" },
    'error',
  ],
  ['dbt with a model that is wrong', { 'dbt_project.yml': '' }, { output: 'Fail 1' }, 'failed'],
])('%s: %s', async (_, given, end, outcome) => {
  expect((await check(given, ending(end))).outcome).toBe(outcome);
});

test('dependencies that are not there are an error, and nothing is started', async () => {
  const started = () => Promise.reject(new Error('nothing is to be started'));
  expect(await check(withDependencies, started)).toEqual({
    outcome: 'error',
    message: 'what it depends on is not there: the workspace has no node_modules/',
    argv: ['npm', 'run', 'test'],
    exitCode: null,
  });
  const installed = { ...withDependencies, 'node_modules/': '' };
  expect((await check(installed, ending({ exitCode: 0 }))).outcome).toBe('passed');
});

test('a tool that is not installed is an error', async () => {
  const absent = () => Promise.reject(new ProgramNotStarted('there is no program "npm" on PATH'));
  expect(await check(node, absent)).toMatchObject({
    outcome: 'error',
    message: 'there is no program "npm" on PATH',
  });
});

test('nobody watches it, and it is told so', async () => {
  const seen: Record<string, string>[] = [];
  await check(node, (spec) => {
    seen.push({ ...spec.env });
    return ending({ exitCode: 0 })(spec);
  });
  expect(seen[0]).toMatchObject({ CI: 'true', MAVEN_OPTS: '-Duser.home=/tmp' });
});
