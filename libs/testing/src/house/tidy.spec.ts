import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dependencies, packageNames, versions } from './package-rules';
import { readTree, type Tree } from './tree';
import {
  forbiddenNames,
  keptBackTests,
  longFiles,
  serviceReadmes,
  silencedRules,
  topLevelEntries,
  unfinishedWords,
  unreferencedFiles,
} from './tree-rules';

const words = readFileSync(join(__dirname, 'unfinished-words.txt'), 'utf8').trim().split('\n');
const tree = readTree();
const small = (files: Record<string, string>): Tree => new Map(Object.entries(files));
const json = (value: object) => JSON.stringify(value);

interface Rule {
  says: string;
  rule: (tree: Tree) => string[];
  bad: Record<string, string>;
  found: string[];
}

const rules: Rule[] = [
  {
    says: 'the top of the tree holds what it should and nothing else',
    rule: (files) => topLevelEntries(files).filter((line) => !line.endsWith('missing')),
    bad: { 'README.md': '', 'notes.txt': '' },
    found: ['notes.txt is unexpected'],
  },
  {
    says: 'every name says what is inside',
    rule: forbiddenNames,
    bad: {
      'libs/a/src/utils/x.ts': '',
      'libs/a/src/bus-types.ts': '',
      'libs/a/src/shared.ts': '',
      'libs/a/src/free-port.ts': '',
      '.config/tsconfig.base.json': '',
    },
    found: ['libs/a/src/utils/x.ts', 'libs/a/src/bus-types.ts', 'libs/a/src/shared.ts'],
  },
  {
    says: 'no file has more than 400 lines',
    rule: longFiles,
    bad: {
      'libs/a/src/long.ts': 'x\n'.repeat(401),
      'libs/a/src/right.ts': 'x\n'.repeat(400),
      'libs/a/src/long.spec.ts': 'x\n'.repeat(401),
    },
    found: ['libs/a/src/long.ts has 401 lines, 400 is the end'],
  },
  {
    says: 'every source file is used',
    rule: unreferencedFiles,
    bad: {
      'libs/a/src/index.ts': "export * from './used';",
      'libs/a/src/used.ts': "import type { X } from './deep';\nfork(join(__dirname, 'child.js'));",
      'libs/a/src/deep/index.ts': '',
      'libs/a/src/child.ts': '',
      'libs/a/src/lonely.ts': "import './lonely';",
      'libs/a/src/a.spec.ts': "import { suite } from './a.conformance';",
      'libs/a/src/a.conformance.ts': '',
    },
    found: ['libs/a/src/lonely.ts'],
  },
  {
    says: 'every service says in about ten lines what it owns, hears and answers',
    rule: serviceReadmes,
    bad: {
      'services/a/package.json': '',
      'services/b/README.md': '**Owns** this, **hears** that.',
      'services/b/src/subscriptions.ts': '',
      'services/c/README.md': `Owns nothing.\n${'x\n'.repeat(40)}`,
    },
    found: [
      'services/a has no README.md',
      'services/b/README.md does not say what the service answers',
      'services/c/README.md has 41 lines; about ten say it',
    ],
  },
  {
    says: 'every package has its name, tags and version',
    rule: packageNames,
    bad: {
      'package.json': json({ version: '1.0.0', license: 'Apache-2.0' }),
      'libs/a/package.json': json({
        name: '@writ/b',
        private: true,
        version: '1.0.0',
        license: 'Apache-2.0',
        main: 'dist/index.js',
        nx: { tags: ['type:library'] },
      }),
    },
    found: [
      'libs/a/package.json: name is not @writ/a',
      'libs/a/package.json: the nx tag scope:a is missing',
    ],
  },
  {
    says: 'a package declares what it uses and uses what it declares',
    rule: dependencies,
    bad: {
      'package.json': json({ devDependencies: { 'fast-check': '4.0.0' } }),
      'libs/a/package.json': json({
        name: '@writ/a',
        dependencies: { '@nestjs/common': '1.0.0', rxjs: '1.0.0', pino: '1.0.0' },
        devDependencies: { typeorm: '1.0.0' },
      }),
      'libs/a/src/index.ts':
        "import { x } from '@nestjs/common/deep';\nimport 'node:fs';\nawait import('zod');",
      'libs/a/src/a.spec.ts': "import fc from 'fast-check';\nimport { y } from 'nats';",
    },
    found: [
      'libs/a uses zod and does not declare it',
      'libs/a: a spec uses nats, and nobody declares it',
      'libs/a declares pino and does not use it',
      'libs/a declares typeorm for its specs, and no spec uses it',
    ],
  },
  {
    says: 'every version is exact and the same everywhere',
    rule: versions,
    bad: {
      'package.json': json({ devDependencies: { jest: '30.5.2' } }),
      'libs/a/package.json': json({ dependencies: { pg: '8.1.0', zod: '^4.0.0' } }),
      'libs/b/package.json': json({ dependencies: { pg: '8.2.0', '@writ/a': '0.1.0' } }),
    },
    found: [
      'libs/a: zod is ^4.0.0, not an exact version',
      'libs/b: pg is 8.2.0, elsewhere 8.1.0',
      'libs/b: @writ/a is 0.1.0, not *',
    ],
  },
  {
    says: 'no test is kept back',
    rule: keptBackTests,
    bad: {
      'libs/a/src/a.spec.ts':
        'test.skip("x");\nroot ? test : test.skip;\nxit("z");\nprocess.exit(1);',
    },
    found: ['libs/a/src/a.spec.ts:1', 'libs/a/src/a.spec.ts:3'],
  },
  {
    says: 'nothing is left unfinished',
    rule: (files) => unfinishedWords(files, words),
    bad: {
      'libs/a/src/a.ts': `// ${words[0]}: more\nconst ${words[0]?.toLowerCase()} = 1;\nx ${words.at(-1)};`,
    },
    found: ['libs/a/src/a.ts:1', 'libs/a/src/a.ts:3'],
  },
  {
    says: 'a lint rule that is switched off says why',
    rule: silencedRules,
    bad: {
      'libs/a/src/a.ts':
        '// eslint-disable-next-line no-eval -- the input is a constant\n// eslint-disable-next-line no-eval',
    },
    found: ['libs/a/src/a.ts:2'],
  },
];

describe.each(rules)('$says', ({ rule, bad, found }) => {
  test('the tree', () => expect(rule(tree)).toEqual([]));
  test('the rule speaks when it is broken', () => expect(rule(small(bad))).toEqual(found));
});

test('nothing is missing at the top of the tree', () => {
  expect(topLevelEntries(tree)).toEqual([]);
  expect(topLevelEntries(small({ 'README.md': '' }))).toContain('package.json is missing');
});
