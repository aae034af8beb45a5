import { createHash } from 'node:crypto';

import { canonicalJson } from './canonical-json';
import { verifyManifest } from './verify-manifest';

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const digestOf = (value: unknown) => `sha256:${sha256(canonicalJson(value)).toString('hex')}`;

const components = { argv: digestOf(['true']), adapter: digestOf('program') };
const manifest = {
  ...{ kind: 'run', schemaVersion: 1, engineVersion: '0.1.0' },
  ...{
    runId: 'abcdefghabcdefgh-g1-one-a1',
    directiveId: 'abcdefghabcdefgh',
    step: 'one',
    attempt: 1,
  },
  ...{ parentRunId: null, depth: 0, result: 'success', sourceRunId: null, template: null },
  inputBundle: { hash: digestOf(components), components, excluded: ['host'] },
  ...{ resolvedInputs: [], compiledPromptDigest: null },
  adapter: { kind: 'program', version: '1', sandbox: 'S2' },
  ...{ model: null, outputs: [], deleted: [], dependencies: [], validation: null, impactDebt: [] },
  ...{ stages: [], attempts: [], usage: null, durationMs: 3, transcript: null, commit: null },
  events: [],
};

test('a manifest whose hashes hold is sound, and its digest is told', () => {
  const found = verifyManifest(manifest, sha256, digestOf(manifest));
  const id = 'abcdefghabcdefgh-g1-one-a1';
  expect(found).toEqual({ ok: true, kind: 'run', id, digest: digestOf(manifest), problems: [] });
});

test('a changed component no longer gives the hash of the bundle', () => {
  const inputBundle = {
    ...manifest.inputBundle,
    components: { ...components, argv: digestOf('x') },
  };
  const found = verifyManifest({ ...manifest, inputBundle }, sha256);
  expect(found.ok).toBe(false);
  expect(found.problems[0]?.path).toBe('/inputBundle/hash');
});

/** The same value with one leaf changed, for every leaf there is. */
function* changedLeaves(value: unknown, path = ''): Generator<[path: string, changed: unknown]> {
  if (typeof value !== 'object' || value === null) {
    yield [path, typeof value === 'number' ? value + 1 : `${String(value)}x`];
    return;
  }
  const copy = (key: string, member: unknown) =>
    Array.isArray(value)
      ? value.map((it: unknown, at) => (String(at) === key ? member : it))
      : { ...value, [key]: member };
  for (const [key, member] of Object.entries(value)) {
    for (const [below, changed] of changedLeaves(member, `${path}/${key}`)) {
      yield [below, copy(key, changed)];
    }
  }
  yield [`${path}/added`, Array.isArray(value) ? [...value, 1] : { ...value, added: 1 }];
}

test('whatever is changed, added or renamed, it is not the one that was sealed any more', () => {
  const full = { ...manifest, outputs: [{ path: 'x', digest: digestOf('x'), bytes: 1 }] };
  const dependencies = [{ kind: 'generates', id: digestOf('x') }];
  const sealed = { ...full, dependencies };
  expect(verifyManifest(sealed, sha256, digestOf(sealed)).problems).toEqual([]);
  const changes = [...changedLeaves(sealed)];
  expect(changes.length).toBeGreaterThan(30);
  for (const [path, changed] of changes) {
    expect([path, verifyManifest(changed, sha256, digestOf(sealed)).ok]).toEqual([path, false]);
  }
});

test.each([
  ['a member that is none of a manifest', { extra: 1 }, ''],
  ['one deep within', { adapter: { ...manifest.adapter, extra: 1 } }, ''],
  ['another step than its run', { step: 'two' }, '/step'],
  ['another attempt than its run', { attempt: 2 }, '/attempt'],
  ['another directive than its run', { directiveId: 'bbbbbbbbbbbbbbbb' }, '/directiveId'],
  [
    'an output that is on no edge',
    { outputs: [{ path: 'x', digest: digestOf('x'), bytes: 1 }] },
    '/dependencies',
  ],
  [
    'an edge to an input that it does not name',
    { dependencies: [{ kind: 'requires', id: digestOf('x') }] },
    '/dependencies',
  ],
])('without the log, too, %s is found', (_, change, path) => {
  const found = verifyManifest({ ...manifest, ...change }, sha256);
  expect(found.problems).toMatchObject([{ path }]);
});

test('a manifest changed elsewhere is another than the one that was sealed', () => {
  const found = verifyManifest({ ...manifest, durationMs: 4 }, sha256, digestOf(manifest));
  expect(found.ok).toBe(false);
  expect(found.problems[0]?.message).toContain('sealed is');
});

test.each([[null], [3], ['text'], [[]], [{}], [{ kind: 'other' }]])(
  '%j is not a manifest',
  (value) => {
    expect(verifyManifest(value, sha256)).toMatchObject({ ok: false, kind: null, digest: null });
  },
);

test('a manifest of a later version is not judged sound', () => {
  const found = verifyManifest({ ...manifest, schemaVersion: 2 }, sha256);
  expect(found.problems[0]?.path).toBe('/schemaVersion');
});

test('a missing member is named', () => {
  const { durationMs: _, ...rest } = manifest;
  const found = verifyManifest(rest, sha256);
  expect(found.problems).toMatchObject([{ code: 'missing', path: '/durationMs' }]);
});
