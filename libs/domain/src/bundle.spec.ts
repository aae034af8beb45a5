import { createHash } from 'node:crypto';
import { canonicalJson } from '@writ/contracts';
import { bundleDifference, bundleOf, type BundleParts } from './bundle';

const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const digest = (text: string) => sha256(text);

const parts: BundleParts = {
  adapter: { kind: 'program', version: '1' },
  command: { argv: ['cat', '${inputs}/a.txt'], cwd: undefined },
  inputs: [
    { name: 'a.txt', digest: digest('a') },
    { name: 'b.txt', digest: digest('b') },
  ],
  dependencies: [{ kind: 'artifact', name: 'collect/x', digest: digest('x') }],
  checks: [{ kind: 'files', paths: ['out.txt'] }],
  workspace: { kind: 'git', baseCommit: 'c', tree: 't' },
  environment: { passed: {}, network: 'off' },
  outputs: ['out.txt', 'b/*.txt'],
};

test('the hash is SHA-256 over the canonical text of the components', () => {
  const { hash, components } = bundleOf(parts, sha256);
  expect(hash).toBe(sha256(canonicalJson(components)));
  expect(components['command']).toBe(sha256('{"argv":["cat","${inputs}/a.txt"]}'));
  expect(Object.keys(components).sort()).toEqual([
    'adapter',
    'checks',
    'command',
    'dependencies',
    'environment',
    'inputs',
    'outputs',
    'schemaVersion',
    'workspace',
  ]);
});

const changed: Record<keyof BundleParts, BundleParts> = {
  rework: { ...parts, rework: { instructions: 'mend it' } },
  adapter: { ...parts, adapter: { kind: 'program', version: '2' } },
  command: { ...parts, command: { argv: ['cat', '${inputs}/b.txt'] } },
  inputs: { ...parts, inputs: [{ name: 'a.txt', digest: digest('b') }] },
  dependencies: { ...parts, dependencies: [] },
  checks: { ...parts, checks: 'none' },
  workspace: { ...parts, workspace: { kind: 'git', baseCommit: 'c', tree: 'u' } },
  environment: { ...parts, environment: { passed: {}, network: 'on' } },
  outputs: { ...parts, outputs: ['out.txt'] },
};

test.each(Object.keys(changed) as (keyof BundleParts)[])(
  'changing %s alone changes that component alone, and the hash',
  (name) => {
    const before = bundleOf(parts, sha256);
    const after = bundleOf(changed[name], sha256);
    expect(bundleDifference(before, after)).toEqual([name]);
    expect(after.hash).not.toBe(before.hash);
  },
);

test('the order of inputs, dependencies, outputs and keys means nothing', () => {
  const reordered: BundleParts = {
    ...parts,
    command: { cwd: undefined, argv: ['cat', '${inputs}/a.txt'] },
    inputs: [...parts.inputs].reverse(),
    outputs: [...parts.outputs, 'out.txt'].reverse(),
  };
  expect(bundleOf(reordered, sha256).hash).toBe(bundleOf(parts, sha256).hash);
});

test('an artifact carries its kind, name and digest into the bundle and nothing else', () => {
  const extra = { kind: 'artifact', name: 'collect/x', digest: digest('x'), bytes: 3 };
  expect(bundleOf({ ...parts, dependencies: [extra] }, sha256).hash).toBe(
    bundleOf(parts, sha256).hash,
  );
});

test('what is left out is said', () => {
  expect(bundleOf(parts, sha256).excluded).toEqual(
    expect.arrayContaining(['wallClock', 'runId', 'host', 'cost']),
  );
});
