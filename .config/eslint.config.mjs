/**
 * The house, as far as a linter can see it: who may import whom (by the tags in each package.json) and
 * what no file may do. Runs alike from the root for everything and in the folder of one package. The
 * boundary rule says nothing and passes when nx's project graph is missing, so it is made here first;
 * `libs/testing/src/house/lint-canary.spec.ts` expects red for known violations.
 */
import { readdirSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProjectGraphAsync } from '@nx/devkit';
import nx from '@nx/eslint-plugin';
import ts from 'typescript';
import tseslint from 'typescript-eslint';

const config = dirname(fileURLToPath(import.meta.url));
const fromHere = (path) => relative(process.cwd(), path).split(sep).join('/');

/** Library -> the libraries it may import. */
const libraries = {
  contracts: [],
  domain: ['contracts'],
  'event-log': ['contracts', 'domain'],
  messaging: ['contracts'],
  'content-store': ['contracts'],
  observability: ['contracts'],
  programs: ['contracts'],
  'outbound-http': ['contracts'],
  'worker-protocol': ['contracts'],
  'embedded-servers': [],
  'service-host': ['contracts', 'event-log', 'messaging', 'content-store', 'observability'],
  testing: ['contracts', 'domain', 'event-log', 'messaging', 'embedded-servers', 'content-store'],
};
/** Reaches out to what others have made: only for services that carry something out. */
const reaching = ['programs', 'outbound-http', 'worker-protocol'];
/** What every service may import that works on the log. */
const platform = Object.keys(libraries).filter((name) => ![...reaching, 'testing'].includes(name));
/** The services that the simulator runs in its own process. */
const simulated = ['planner', 'executor', 'verifier', 'manifest'];
/** Service -> the packages it may import. Only the simulator imports services. */
const services = {
  planner: platform,
  executor: [...platform, ...reaching],
  verifier: [...platform, ...reaching],
  manifest: platform,
  gateway: ['contracts', 'domain', 'messaging', 'observability', 'service-host'],
  cli: ['contracts', 'domain', 'embedded-servers', 'worker-protocol'],
  migrator: ['event-log', 'contracts'],
  bench: ['contracts', 'domain', 'event-log', 'messaging', 'testing'],
  chaos: ['contracts', 'embedded-servers', 'testing'],
  simulator: [...platform, ...reaching, 'testing', ...simulated],
};

for (const [folder, table] of [
  ['libs', libraries],
  ['services', services],
]) {
  const unknown = readdirSync(resolve(config, '..', folder)).filter((name) => !(name in table));
  if (unknown.length > 0) {
    throw new Error(`say in .config/eslint.config.mjs what ${folder}/${unknown[0]} may import`);
  }
}

/** Specs may use the testing library; it uses the platform, which makes a circle of no harm. */
const boundaries = (...alsoAllowed) => [
  'error',
  {
    depConstraints: [
      ...Object.entries({ ...libraries, ...services }).map(([scope, allowed]) => ({
        sourceTag: `scope:${scope}`,
        onlyDependOnLibsWithTags: [...allowed, ...alsoAllowed].map((name) => `scope:${name}`),
        ...(scope === 'simulator' ? {} : { notDependOnLibsWithTags: ['type:service'] }),
      })),
    ],
    ignoredCircularDependencies: libraries.testing.map((name) => [
      '@writ/testing',
      `@writ/${name}`,
    ]),
  },
];

const NO_SHELL = 'A shell string is an open door: spawn(program, argv).';
const everywhere = {
  paths: ['child_process', 'node:child_process'].map((name) => ({
    name,
    importNames: ['exec', 'execSync'],
    message: NO_SHELL,
  })),
  patterns: [{ regex: '^@writ/[^/]+/', message: 'A package is imported by its name only.' }],
};

/** Package -> its only imports besides its own files. */
const pure = {
  'libs/contracts': ['^(?!zod$|\\.)', 'contracts imports zod and nothing else.'],
  'libs/domain': [
    '^(?!@writ/contracts$|node:crypto$|\\.)',
    'domain is pure: it imports contracts only, and of node:crypto what is a function.',
  ],
};
/** What may be imported in few packages only. */
const reserved = {
  nats: {
    packages: ['libs/messaging', 'libs/worker-protocol', 'services/gateway', 'services/chaos'],
    message: 'Only messaging speaks NATS.',
  },
  pg: {
    packages: [
      'libs/event-log',
      'libs/content-store',
      'libs/embedded-servers',
      'libs/testing',
      'services/planner',
      'services/executor',
      'services/verifier',
      'services/manifest',
      'services/cli',
      'services/chaos',
      'services/bench',
    ],
    message: 'Whoever has no store of its own asks over the bus.',
  },
};

/** What the sources of a package may not import from outside the tree; its specs may. */
function restrictedImports(folder) {
  const patterns = [...everywhere.patterns];
  for (const [name, { packages, message }] of Object.entries(reserved)) {
    if (!packages.includes(folder)) patterns.push({ regex: `^${name}($|/)`, message });
  }
  const [regex, message] = pure[folder] ?? [];
  if (regex) patterns.push({ regex, message });
  const paths = [...everywhere.paths];
  if (folder === 'libs/domain') {
    const message = 'domain is pure: nothing by chance.';
    paths.push({ name: 'node:crypto', allowImportNames: ['hash'], message });
  }
  return ['error', { paths, patterns }];
}

const syntax = [
  [
    'CallExpression[callee.property.name=/^exec(Sync)?$/][callee.object.name=/child|^cp$/i]',
    NO_SHELL,
  ],
  ['Property[key.name="shell"][value.type="Literal"]:not([value.value=false])', NO_SHELL],
  [
    'Property[key.name="synchronize"][value.type="Literal"]:not([value.value=false])',
    'TypeORM must never alter tables by itself: write a migration.',
  ],
].map(([selector, message]) => ({ selector, message }));

const rules = {
  'no-restricted-syntax': ['error', ...syntax],
  'max-lines': ['error', 400],
  'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
  'no-eval': 'error',
  'no-new-func': 'error',
  'no-var': 'error',
  'no-empty': 'error',
  'no-debugger': 'error',
  'no-fallthrough': 'error',
  'no-useless-catch': 'error',
  'no-unsafe-finally': 'error',
  'no-constant-binary-expression': 'error',
  'prefer-const': 'error',
  eqeqeq: 'error',
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/ban-ts-comment': 'error',
  '@typescript-eslint/no-require-imports': ['error', { allow: ['/package\\.json$', '^\\.'] }],
  '@typescript-eslint/no-unused-vars': [
    'error',
    { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
  ],
};
const typedRules = {
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/await-thenable': 'error',
  '@typescript-eslint/switch-exhaustiveness-check': [
    'error',
    { considerDefaultExhaustiveForUnions: true },
  ],
};

/** The blocks of one package: its sources, then what its specs may do besides. */
function packageBlocks(folder) {
  const inside = fromHere(resolve(config, '..', folder));
  if (inside.startsWith('..')) return [];
  const below = inside === '' ? '' : `${inside}/`;
  const console = folder.startsWith('libs/') ? { 'no-console': 'error' } : {};
  return [
    {
      files: [`${below}**/*.{ts,tsx}`],
      rules: {
        '@nx/enforce-module-boundaries': boundaries(),
        'no-restricted-imports': restrictedImports(folder),
        ...console,
      },
    },
    {
      files: [`${below}**/*.spec.{ts,tsx}`, `${below}**/*.conformance.ts`],
      rules: {
        '@nx/enforce-module-boundaries': boundaries('testing'),
        'no-restricted-imports': ['error', everywhere],
        'max-lines': 'off',
        'max-lines-per-function': 'off',
      },
    },
  ];
}

/** Rules that need types, for the files that the compiler's configuration names. */
function typedBlock() {
  const { fileNames, options } = ts.getParsedCommandLineOfConfigFile(
    resolve(config, 'tsconfig.json'),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
      },
    },
  );
  const files = fileNames.filter((file) => !fromHere(file).startsWith('..'));
  if (files.length === 0) return [];
  return [
    {
      files: files.map(fromHere),
      languageOptions: { parserOptions: { programs: [ts.createProgram(files, options)] } },
      rules: typedRules,
    },
  ];
}

// Within an nx task the graph is there already.
if (!process.env.NX_TASK_TARGET_PROJECT) await createProjectGraphAsync({ exitOnError: false });

export default tseslint.config(
  { ignores: ['**/dist/**', '**/bundle/**', '**/*.d.ts'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{ts,tsx}'],
    plugins: { '@nx': nx, '@typescript-eslint': tseslint.plugin },
    languageOptions: { parser: tseslint.parser },
    rules,
  },
  ...Object.keys(libraries).flatMap((name) => packageBlocks(`libs/${name}`)),
  ...Object.keys(services).flatMap((name) => packageBlocks(`services/${name}`)),
  ...typedBlock(),
);
