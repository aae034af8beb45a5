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
