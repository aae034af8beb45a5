import { createHash } from 'node:crypto';
import type { InputBundle, RunClaimed, RunEnded } from '@writ/contracts';
import { bundleOf, type BundleParts } from './bundle';
import { whyRunIs, type Success } from './why-run';

const runId = 'abcdefgh12345678-g1-one-a1';
const parts: BundleParts = {
  ...{ adapter: { kind: 'program', version: '1' }, command: { argv: ['make'] }, inputs: [] },
  ...{ dependencies: [], checks: null, workspace: null, environment: null, outputs: [] },
};
const digest = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const bundle = (more: Partial<BundleParts> = {}) => bundleOf({ ...parts, ...more }, digest);
const success = (name: string, made: InputBundle, cacheable = true): Success => ({
  ...{ runId: name, bundle: made, cacheable },
});
const ended = (more: Partial<RunEnded> = {}) => {
  const about = { runId, executorId: 'e1', claim: 1, attempts: [], artifacts: [], stages: [] };
  const data = { ...about, result: 'success', bundle: bundle(), ...more } as unknown as RunEnded;
  return { status: 'ended', version: 1, ended: data } as const;
};
const why = (state: Parameters<typeof whyRunIs>[1], successes: Success[] = [], isHeld = true) =>
  whyRunIs(runId, state, { isHeld, successes });

it('names each component in which a run differs from the nearest success, and no other', () => {
  const changes: Partial<BundleParts>[] = [
    { adapter: { kind: 'program', version: '2' } },
    { command: { argv: ['make', 'all'] } },
    { inputs: [{ name: 'a', digest: digest('x') }] },
    { dependencies: [{ kind: 'artifact', name: 'a', digest: digest('x') }] },
    { checks: [{ kind: 'files' }] },
    { workspace: { tree: 'x' } },
    { environment: { A: '1' } },
    { outputs: ['x'] },
    { rework: { instructions: 'shorter' } },
  ];
  for (const change of changes) {
    const far = success('far', bundle({ ...change, outputs: ['y'], checks: 1 }));
    const found = why(ended(), [far, success('near', bundle(change))]);
    expect(found.because.map(({ kind }) => kind)).toEqual([
      ...['run', 'cache_miss', `changed:${Object.keys(change)[0]}`],
    ]);
    expect(found.because[1]).toMatchObject({ unblock: 'writ run-info near' });
  }
});

it('says that nothing like it had succeeded, or why a success could not stand in', () => {
  const kinds = (successes: Success[]) => why(ended(), successes).because[1]?.text;
  expect(kinds([])).toContain('no such step had succeeded before');
  expect(kinds([success('one', bundle(), false)])).toContain('"cache: false"');
  expect(kinds([success('one', bundle())])).toContain('its step did not pass');
  expect(kinds([success(runId, bundle())])).toContain('no such step had succeeded before');
});

it('says whose outputs a skipped run hands out', () => {
  const found = why(ended({ result: 'skipped', source: { runId: 'other' } }));
  expect(found).toMatchObject({ state: 'skipped', because: [{ kind: 'cache_hit' }] });
  expect(found.because[0]?.text).toContain('run other had succeeded with the same inputs');
});

it('says who holds it, and when nobody does any more', () => {
  const claimed = { executorId: 'e1', claim: 2, bundle: bundle() } as unknown as RunClaimed;
  const claimedAt = '2026-01-01T00:00:00Z';
  const state = { status: 'claimed', version: 2, claimed, claimedAt, attempts: [] } as const;
  expect(why(state)).toMatchObject({
    state: 'processing',
    because: [{ kind: 'run', since: claimedAt }, {}],
  });
  expect(why(state, [], false).because[0]).toMatchObject({ kind: 'lease', unblock: 'writ doctor' });
  expect(why({ status: 'pending', version: 0 }).because[0]?.text).toBe(
    'no executor has begun with it',
  );
});

it('says how it failed', () => {
  const error = { kind: 'exit', code: 'exit_1', message: 'it ended with 1' } as const;
  const found = why(ended({ result: 'failed', error, bundle: undefined }));
  expect(found.because).toMatchObject([
    { kind: 'exit', unblock: `writ logs ${runId}` },
    { text: 'it ended before its inputs were known' },
  ]);
});
