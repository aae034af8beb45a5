import { checkDirectiveFile } from './check-directive';

const step = (over: object) => ({
  name: 'one',
  adapter: { kind: 'program', argv: ['true'] },
  ...over,
});
const directive = (over: object) => ({
  title: 'T',
  goal: 'G',
  chain: { steps: [step({})] },
  ...over,
});

function issuesOf(value: unknown) {
  const checked = checkDirectiveFile(value);
  if (!('issues' in checked)) throw new Error('it was accepted');
  return checked.issues;
}

test('a sound directive comes back with its defaults', () => {
  const checked = checkDirectiveFile(directive({}));
  expect(checked).toMatchObject({
    directive: {
      autonomy: 'guardrails',
      limits: { maxParallelSteps: 4 },
      workspace: { kind: 'none' },
    },
  });
});

test.each([
  ['at the top', directive({ gaol: 'x' }), '/gaol', '"goal"'],
  [
    'in the limits',
    directive({ limits: { maxParallelStep: 2 } }),
    '/limits/maxParallelStep',
    '"maxParallelSteps"',
  ],
  [
    'in a step',
    directive({ chain: { steps: [step({ dependOn: [] })] } }),
    '/chain/steps/0/dependOn',
    '"dependsOn"',
  ],
  [
    'in an adapter, by its kind',
    directive({
      chain: { steps: [step({ adapter: { kind: 'shell', script: 'x', scirpt: 'x' } })] },
    }),
    '/chain/steps/0/adapter/scirpt',
    '"script"',
  ],
  [
    'in a check within a union',
    directive({
      chain: { steps: [step({ verify: [{ kind: 'files', paths: ['x'], nonempty: true }] })] },
    }),
    '/chain/steps/0/verify/0/nonempty',
    '"nonEmpty"',
  ],
])('an unknown key %s is named with the nearest known one', (_, value, path, near) => {
  const [issue] = issuesOf(value);
  expect(issue).toMatchObject({ code: 'unknown_key', path });
  expect(issue?.message).toContain(`did you mean ${near}?`);
});

test.each([
  ['missing', { goal: 'G' }, '/title', 'missing', '"title" is missing; it must be text'],
  [
    'of a wrong type',
    directive({ title: 3 }),
    '/title',
    'wrong_type',
    '"title" is a number, it must be text',
  ],
  [
    'out of a closed list',
    directive({ autonomy: 'full_autp' }),
    '/autonomy',
    'unknown_value',
    'did you mean "full_auto"?',
  ],
  [
    'of an unknown kind',
    directive({ workspace: { kind: 'gti' } }),
    '/workspace/kind',
    'unknown_value',
    '"git"',
  ],
  [
    'too small',
    directive({ limits: { maxParallelSteps: 0 } }),
    '/limits/maxParallelSteps',
    'out_of_range',
    'at least 1',
  ],
  ['empty', directive({ title: '' }), '/title', 'out_of_range', '"title" is empty'],
  [
    'not kebab-case',
    directive({ chain: { steps: [step({ name: 'A b' })] } }),
    '/chain/steps/0/name',
    'invalid_value',
    'kebab-case',
  ],
  [
    'neither of two forms',
    directive({ chain: { steps: [step({ verify: 'no' })] } }),
    '/chain/steps/0/verify',
    'wrong_type',
    '"none" or a list',
  ],
  [
    'a bad name',
    directive({ variables: { 'a b': 'x' } }),
    '/variables/a b',
    'invalid_key',
    'is not a variable name',
  ],
  ['no map at all', 'text', '', 'wrong_type', 'must be a map'],
  ['nothing at all', null, '', 'wrong_type', 'empty'],
])('what is %s is said with its place', (_, value, path, code, words) => {
  const issue = issuesOf(value).find((it) => it.path === path);
  expect(issue).toMatchObject({ code });
  expect(issue?.message).toContain(words);
});

test('an adapter of the format that cannot run yet is said to be so', () => {
  const value = directive({ chain: { steps: [step({ adapter: { kind: 'prompt' } })] } });
  expect(issuesOf(value)).toEqual([
    {
      code: 'not_available',
      message: 'the adapter "prompt" is not available in this version; use program or shell',
      path: '/chain/steps/0/adapter/kind',
    },
  ]);
});

test('a path with a slash or a tilde in a key is a JSON pointer', () => {
  expect(issuesOf(directive({ 'a/b~c': 1 }))[0]?.path).toBe('/a~1b~0c');
});

test.each([
  ['a NUL in a title', directive({ title: 'a\0b' }), '/title', 'holds a NUL byte'],
  [
    'a NUL in the name of a repository',
    directive({ workspace: { kind: 'git', repository: 'a\0b' } }),
    '/workspace/repository',
    'holds a NUL byte',
  ],
  [
    'braces that stand for too much',
    directive({ chain: { steps: [step({ outputs: ['{a,b}'.repeat(20)] })] } }),
    '/chain/steps/0/outputs/0',
    'too many patterns',
  ],
  [
    'too long a list that may also be a word',
    directive({
      chain: { steps: [step({ verify: Array(101).fill({ kind: 'files', paths: ['x'] }) })] },
    }),
    '/chain/steps/0/verify',
    'at most 100 items',
  ],
  [
    'a check by a schema that it does not name',
    directive({ chain: { steps: [step({ verify: [{ kind: 'json-schema', path: 'x' }] })] } }),
    '/chain/steps/0/verify/0/schema',
    'must be given',
  ],
  [
    'a number that is none',
    directive({
      chain: { steps: [step({ adapter: { kind: 'echo', output: { big: [Infinity] } } })] },
    }),
    '/chain/steps/0/adapter/output',
    'no canonical JSON',
  ],
  [
    'a schema with such a number',
    directive({
      chain: {
        steps: [
          step({ verify: [{ kind: 'json-schema', path: 'x', schema: { maximum: Infinity } }] }),
        ],
      },
    }),
    '/chain/steps/0/verify/0/schema',
    'no canonical JSON',
  ],
])('%s is refused at its place', (_, value, path, words) => {
  const issue = issuesOf(value).find((it) => it.path === path);
  expect(issue?.message).toContain(words);
});

test('hundreds of mistakes end in a list that can be read', () => {
  const steps = Array.from({ length: 500 }, () => ({ name: 'Bad Name' }));
  expect(issuesOf(directive({ chain: { steps } }))).toHaveLength(100);
});

test('hundreds of thousands of them in one place do as well', () => {
  const paths = Array.from({ length: 2000 }, () => '');
  const verify = Array.from({ length: 100 }, () => ({ kind: 'files', paths }));
  const issues = issuesOf(directive({ chain: { steps: [step({ verify })] } }));
  expect(issues).toHaveLength(100);
  const keys = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`key${at}`, 1]));
  expect(issuesOf(directive(keys))).toHaveLength(100);
});
