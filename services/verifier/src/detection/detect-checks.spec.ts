import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DetectedWhat } from '@writ/contracts';
import { detectChecks } from './detect-checks';
import { readRepository, type RepositoryFiles } from './repository-files';

const files = (given: Readonly<Record<string, string>>): RepositoryFiles => ({
  names: new Set(Object.keys(given)),
  texts: new Map(Object.entries(given)),
});
const found = (given: Readonly<Record<string, string>>, only?: DetectedWhat[]) =>
  detectChecks(files(given), only).map(({ what, by, argv }) => [what, by, argv.join(' ')]);
const json = (value: object) => JSON.stringify(value);
const scripts = { build: 'x', lint: 'x', test: 'x', typecheck: 'x', start: 'x' };

const everyScript = (manager: string) => [
  ['build', 'package.json', `${manager} run build`],
  ['types', 'package.json', `${manager} run typecheck`],
  ['lint', 'package.json', `${manager} run lint`],
  ['test', 'package.json', `${manager} run test`],
];
const tsc = 'node_modules/.bin/tsc --noEmit --project tsconfig.json';

test.each<[string, Record<string, string>, string[][]]>([
  ['Node without a lock file', { 'package.json': json({ scripts }) }, everyScript('npm')],
  [
    'Node with npm',
    { 'package.json': json({ scripts }), 'package-lock.json': '' },
    everyScript('npm'),
  ],
  ['Node with yarn', { 'package.json': json({ scripts }), 'yarn.lock': '' }, everyScript('yarn')],
  [
    'Node with pnpm',
    { 'package.json': json({ scripts }), 'pnpm-lock.yaml': '' },
    everyScript('pnpm'),
  ],
  ['Node with bun', { 'package.json': json({ scripts }), 'bun.lockb': '' }, everyScript('bun')],
  [
    'Node that names its manager',
    { 'package.json': json({ scripts, packageManager: 'pnpm@9.1.0' }), 'package-lock.json': '' },
    everyScript('pnpm'),
  ],
  [
    'the test that npm init writes, which is none',
    { 'package.json': json({ scripts: { test: 'echo "Error: no test specified" && exit 1' } }) },
    [],
  ],
  ['a package.json that is none', { 'package.json': '{' }, []],
  ['a package.json of another form', { 'package.json': json({ scripts: [1] }) }, []],
  [
    'TypeScript without a script for types',
    { 'package.json': json({ scripts: { test: 'x' } }), 'tsconfig.json': '{}' },
    [
      ['types', 'tsconfig.json', tsc],
      ['test', 'package.json', 'npm run test'],
    ],
  ],
  [
    'TypeScript with one',
    { 'package.json': json({ scripts: { types: 'x' } }), 'tsconfig.json': '{}' },
    [['types', 'package.json', 'npm run types']],
  ],
  [
    'Python by pyproject.toml',
    { 'pyproject.toml': '[tool.pytest.ini_options]\n[tool.ruff]\n[tool.mypy]\n' },
    [
      ['types', 'pyproject.toml', 'mypy .'],
      ['lint', 'pyproject.toml', 'ruff check .'],
      ['test', 'pyproject.toml', 'pytest -q'],
    ],
  ],
  [
    'Python by files of its tools',
    { 'pytest.ini': '', 'ruff.toml': '', 'mypy.ini': '', 'setup.cfg': '' },
    [
      ['types', 'mypy.ini', 'mypy .'],
      ['lint', 'ruff.toml', 'ruff check .'],
      ['test', 'pytest.ini', 'pytest -q'],
    ],
  ],
  [
    'Python by setup.cfg and requirements',
    { 'setup.cfg': '[flake8]\n[mypy]\n', 'requirements-dev.txt': 'requests\npytest==8.0\n' },
    [
      ['types', 'setup.cfg', 'mypy .'],
      ['lint', 'setup.cfg', 'flake8'],
      ['test', 'requirements-dev.txt', 'pytest -q'],
    ],
  ],
  ['Python that says nothing', { 'pyproject.toml': '[project]\n', 'requirements.txt': 'x' }, []],
  [
    'Go',
    { 'go.mod': '' },
    [
      ['build', 'go.mod', 'go build ./...'],
      ['lint', 'go.mod', 'go vet ./...'],
      ['test', 'go.mod', 'go test ./...'],
    ],
  ],
  [
    'Go with a linter of its own',
    { 'go.mod': '', '.golangci.yml': '' },
    [
      ['build', 'go.mod', 'go build ./...'],
      ['lint', '.golangci.yml', 'golangci-lint run'],
      ['test', 'go.mod', 'go test ./...'],
    ],
  ],
  [
    'Rust',
    { 'Cargo.toml': '' },
    [
      ['build', 'Cargo.toml', 'cargo build'],
      ['test', 'Cargo.toml', 'cargo test'],
    ],
  ],
  [
    'Rust with clippy',
    { 'Cargo.toml': '', 'clippy.toml': '', 'rustfmt.toml': '' },
    [
      ['build', 'Cargo.toml', 'cargo build'],
      ['lint', 'clippy.toml', 'cargo clippy -- -D warnings'],
      ['test', 'Cargo.toml', 'cargo test'],
    ],
  ],
  [
    'Rust with a format',
    { 'Cargo.toml': '', 'rustfmt.toml': '' },
    [
      ['build', 'Cargo.toml', 'cargo build'],
      ['lint', 'rustfmt.toml', 'cargo fmt --check'],
      ['test', 'Cargo.toml', 'cargo test'],
    ],
  ],
  [
    'Java with Maven',
    { 'pom.xml': '' },
    [
      ['build', 'pom.xml', 'mvn --batch-mode --quiet -DskipTests package'],
      ['test', 'pom.xml', 'mvn --batch-mode --quiet test'],
    ],
  ],
  [
    'Java with the Maven that it brings along',
    { 'pom.xml': '', mvnw: '' },
    [
      ['build', 'pom.xml', './mvnw --batch-mode --quiet -DskipTests package'],
      ['test', 'pom.xml', './mvnw --batch-mode --quiet test'],
    ],
  ],
  [
    'Java with Gradle',
    { 'build.gradle.kts': '', gradlew: '' },
    [
      ['build', 'build.gradle.kts', './gradlew --no-daemon --quiet assemble'],
      ['test', 'build.gradle.kts', './gradlew --no-daemon --quiet test'],
    ],
  ],
  [
    'Make',
    { Makefile: 'CC := gcc\n.PHONY: build test\nbuild lint: a.c\n\tcc\ncheck::\n\ttrue\nx=y\n' },
    [
      ['build', 'Makefile', 'make build'],
      ['lint', 'Makefile', 'make lint'],
      ['test', 'Makefile', 'make check'],
    ],
  ],
  [
    'Make beside a language: what that leaves out',
    { 'go.mod': '', Makefile: 'test:\ntypes:\n' },
    [
      ['build', 'go.mod', 'go build ./...'],
      ['types', 'Makefile', 'make types'],
      ['lint', 'go.mod', 'go vet ./...'],
      ['test', 'go.mod', 'go test ./...'],
    ],
  ],
  ['Make without such a target', { Makefile: 'all: a\n\ttest: no\n' }, []],
  [
    'dbt',
    { 'dbt_project.yml': '', '.sqlfluff': '' },
    [
      ['build', 'dbt_project.yml', 'dbt parse'],
      ['lint', '.sqlfluff', 'sqlfluff lint'],
      ['test', 'dbt_project.yml', 'dbt build'],
    ],
  ],
  [
    'Docker, where nothing else asks for anything',
    { Dockerfile: '' },
    [['build', 'Dockerfile', 'docker build --quiet --file Dockerfile .']],
  ],
  [
    'Docker beside something else',
    { Dockerfile: '', 'package.json': json({ scripts: { test: 'x' } }) },
    [['test', 'package.json', 'npm run test']],
  ],
  ['nothing at all', { 'README.md': '' }, []],
])('%s', (_, given, wanted) => expect(found(given)).toEqual(wanted));

test('only what is asked for is taken, and asking for less does not bring in more', () => {
  const given = { 'package.json': json({ scripts }), Dockerfile: '' };
  expect(found(given, ['test', 'types']).map(([what]) => what)).toEqual(['types', 'test']);
  expect(found({ Dockerfile: '', 'Cargo.toml': '' }, ['lint'])).toEqual([]);
});

test.each([
  [{ dependencies: { a: '1' } }, {}, 'node_modules/'],
  [{ devDependencies: { a: '1' } }, {}, 'node_modules/'],
  [{}, {}, undefined],
  [{ dependencies: { a: '1' } }, { '.pnp.cjs': '' }, undefined],
])('a package with %j needs its dependencies beside it', (more, beside, needs) => {
  const given = files({ 'package.json': json({ scripts: { test: 'x' }, ...more }), ...beside });
  expect(detectChecks(given)[0]?.needs).toBe(needs);
});

test('of a repository names are read, and the few contents that rows ask for', async () => {
  const root = mkdtempSync(join(tmpdir(), 'writ-repository-'));
  writeFileSync(join(root, 'package.json'), '{}');
  writeFileSync(join(root, 'README.md'), 'much');
  mkdirSync(join(root, 'src'));
  mkdirSync(join(root, 'modules'));
  symlinkSync('modules', join(root, 'node_modules'));
  symlinkSync('/etc/hostname', join(root, 'Makefile'));
  const { names, texts } = await readRepository(root);
  rmSync(root, { recursive: true });
  expect([...names].sort()).toEqual(
    expect.arrayContaining(['README.md', 'node_modules/', 'package.json', 'src/']),
  );
  expect([...texts]).toEqual([['package.json', '{}']]);
});
