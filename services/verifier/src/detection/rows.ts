/**
 * The table of what asks for which checks. A row looks at names and a few contents, nothing else:
 * the same files give the same checks.
 *
 * A check whose program ends with something in `couldNot` says nothing about the step: its tool has
 * no network, no server, no dependencies. Whatever else it ends with is about the files.
 */
import { z } from 'zod';
import type { DetectedWhat } from '@writ/contracts';
import type { CouldNot, Detected, Look, Row } from './detected';

const NO_NETWORK = {
  says: /dial tcp|could not resolve host|temporary failure in name resolution|unknown ?host|no such host|network is unreachable|failed to (download|fetch) |could not (transfer|resolve|get) |ENOTFOUND|EAI_AGAIN/i,
} satisfies CouldNot;

const PackageJson = z.object({
  scripts: z.record(z.string(), z.string()).default({}),
  packageManager: z.string().default(''),
  dependencies: z.record(z.string(), z.unknown()).default({}),
  devDependencies: z.record(z.string(), z.unknown()).default({}),
});

const LOCK_FILES = {
  'package-lock.json': 'npm',
  'npm-shrinkwrap.json': 'npm',
  'yarn.lock': 'yarn',
  'pnpm-lock.yaml': 'pnpm',
  'bun.lock': 'bun',
  'bun.lockb': 'bun',
} as const;

const SCRIPTS: Readonly<Record<DetectedWhat, readonly string[]>> = {
  build: ['build'],
  types: ['types', 'typecheck', 'type-check', 'check-types'],
  lint: ['lint'],
  test: ['test'],
};

function packageIn(files: Look) {
  const by = files.first('package.json');
  if (by === undefined) return undefined;
  const parsed = PackageJson.safeParse(jsonOf(files.text(by)));
  if (!parsed.success) return undefined;
  const { scripts, packageManager, dependencies, devDependencies } = parsed.data;
  const asked = [...Object.keys(dependencies), ...Object.keys(devDependencies)];
  const elsewhere = files.first('.pnp.cjs', '.pnp.loader.mjs') !== undefined;
  const needs = asked.length > 0 && !elsewhere ? { needs: 'node_modules/' } : {};
  const named = /^(npm|yarn|pnpm|bun)@/.exec(packageManager)?.[1];
  const lock = files.first(...Object.keys(LOCK_FILES)) as keyof typeof LOCK_FILES | undefined;
  return { by, scripts, manager: named ?? (lock ? LOCK_FILES[lock] : 'npm'), needs };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // whose step it is to write it, its tests will tell
  }
}

/** What `npm init` writes: it always fails and tests nothing. */
const NO_TEST = /no test specified/;

function node(files: Look): Detected[] {
  const found = packageIn(files);
  if (found === undefined) return [];
  const { by, scripts, manager, needs } = found;
  return (Object.keys(SCRIPTS) as DetectedWhat[]).flatMap((what) => {
    const script = SCRIPTS[what].find((name) => scripts[name]?.trim());
    if (script === undefined || NO_TEST.test(scripts[script] ?? '')) return [];
    return [{ what, by, argv: [manager, 'run', script], ...needs }];
  });
}

function typescript(files: Look): Detected[] {
  const by = files.first('tsconfig.json');
  if (by === undefined) return [];
  const argv = ['node_modules/.bin/tsc', '--noEmit', '--project', by];
  return [{ what: 'types', by, argv, needs: 'node_modules/' }];
}

/** pytest: trouble of its own, wrong usage, no test at all. */
const PYTEST: CouldNot = { exitCodes: [3, 4, 5] };

function python(files: Look): Detected[] {
  const requirements = files.matching(/^requirements[\w.-]*\.txt$/);
  const holds = (name: string, form: RegExp) => (form.test(files.text(name)) ? name : undefined);
  const pytest =
    files.first('pytest.ini', 'conftest.py') ??
    holds('pyproject.toml', /\bpytest\b/) ??
    holds('setup.cfg', /\bpytest\b/) ??
    holds('tox.ini', /\bpytest\b/) ??
    requirements.find((name) => holds(name, /^pytest\b/m));
  const ruff =
    files.first('ruff.toml', '.ruff.toml') ?? holds('pyproject.toml', /^\[tool\.ruff\b/m);
  const flake8 = files.first('.flake8') ?? holds('setup.cfg', /^\[flake8\]/m);
  const mypy =
    files.first('mypy.ini', '.mypy.ini') ??
    holds('pyproject.toml', /^\[tool\.mypy\b/m) ??
    holds('setup.cfg', /^\[mypy\]/m);
  const lint: Detected[] = ruff
    ? [{ what: 'lint', by: ruff, argv: ['ruff', 'check', '.'], couldNot: { exitCodes: [2] } }]
    : flake8
      ? [{ what: 'lint', by: flake8, argv: ['flake8'] }]
      : [];
  return [
    ...(mypy ? [{ what: 'types', by: mypy, argv: ['mypy', '.'] } as const] : []),
    ...lint,
    ...(pytest
      ? [{ what: 'test', by: pytest, argv: ['pytest', '-q'], couldNot: PYTEST } as const]
      : []),
  ];
}

function go(files: Look): Detected[] {
  const by = files.first('go.mod');
  if (by === undefined) return [];
  const golangci = files.matching(/^\.golangci\.(ya?ml|toml|json)$/)[0];
  const couldNot = NO_NETWORK;
  const lint: Detected =
    golangci === undefined
      ? { what: 'lint', by, argv: ['go', 'vet', './...'], couldNot }
      : { what: 'lint', by: golangci, argv: ['golangci-lint', 'run'], couldNot: NO_NETWORK };
  return [
    { what: 'build', by, argv: ['go', 'build', './...'], couldNot },
    lint,
    { what: 'test', by, argv: ['go', 'test', './...'], couldNot },
  ];
}

/** No toolchain, a part of one that is not installed, or a registry that is not there. */
const CARGO: CouldNot = {
  says: /no such (sub)?command|is not installed( for the toolchain)?|rustup could not|no default is configured|could not resolve host|spurious network error|failed to (get|download|fetch|query) /i,
};

function rust(files: Look): Detected[] {
  const by = files.first('Cargo.toml');
  if (by === undefined) return [];
  const clippy = files.first('clippy.toml', '.clippy.toml');
  const format = files.first('rustfmt.toml', '.rustfmt.toml');
  const lint: Detected[] = clippy
    ? [{ what: 'lint', by: clippy, argv: ['cargo', 'clippy', '--', '-D', 'warnings'] }]
    : format
      ? [{ what: 'lint', by: format, argv: ['cargo', 'fmt', '--check'] }]
      : [];
  const found: Detected[] = [
    { what: 'build', by, argv: ['cargo', 'build'] },
    ...lint,
    { what: 'test', by, argv: ['cargo', 'test'] },
  ];
  return found.map((it) => ({ ...it, couldNot: CARGO }));
}

/** Its launcher ends with 100 when it finds no Maven to launch. */
const MAVEN: CouldNot = {
  exitCodes: [100],
  says: new RegExp(`${NO_NETWORK.says.source}|could not create local repository`, 'i'),
};

function maven(files: Look): Detected[] {
  const by = files.first('pom.xml');
  if (by === undefined) return [];
  const program = [files.first('mvnw') ? './mvnw' : 'mvn', '--batch-mode', '--quiet'];
  return [
    { what: 'build', by, argv: [...program, '-DskipTests', 'package'], couldNot: MAVEN },
    { what: 'test', by, argv: [...program, 'test'], couldNot: MAVEN },
  ];
}

function gradle(files: Look): Detected[] {
  const by = files.first('build.gradle', 'build.gradle.kts');
  if (by === undefined) return [];
  const program = [files.first('gradlew') ? './gradlew' : 'gradle', '--no-daemon', '--quiet'];
  return [
    { what: 'build', by, argv: [...program, 'assemble'], couldNot: NO_NETWORK },
    { what: 'test', by, argv: [...program, 'test'], couldNot: NO_NETWORK },
  ];
}

/** No profile, no warehouse: nothing that a step could mend. */
const DBT: CouldNot = {
  says: /could not find profile|profiles\.yml|database error|connection (refused|failed|error)|env var required|failed to connect/i,
};

function dbt(files: Look): Detected[] {
  const by = files.first('dbt_project.yml');
  if (by === undefined) return [];
  const sqlfluff = files.first('.sqlfluff');
  return [
    { what: 'build', by, argv: ['dbt', 'parse'], couldNot: DBT },
    ...(sqlfluff
      ? [{ what: 'lint', by: sqlfluff, argv: ['sqlfluff', 'lint'], couldNot: DBT } as const]
      : []),
    { what: 'test', by, argv: ['dbt', 'build'], couldNot: DBT },
  ];
}

const TARGETS: Readonly<Record<DetectedWhat, readonly string[]>> = {
  build: ['build'],
  types: ['types', 'typecheck'],
  lint: ['lint'],
  test: ['test', 'check'],
};

function make(files: Look): Detected[] {
  const by = files.first('GNUmakefile', 'makefile', 'Makefile');
  if (by === undefined) return [];
  const rules = [...files.text(by).matchAll(/^([\w./ -]+?)\s*::?(?!=)/gm)];
  const targets = new Set(rules.flatMap(([, names = '']) => names.split(/\s+/)));
  return (Object.keys(TARGETS) as DetectedWhat[]).flatMap((what) => {
    const target = TARGETS[what].find((name) => targets.has(name));
    return target === undefined ? [] : [{ what, by, argv: ['make', target] }];
  });
}

const DOCKER: CouldNot = {
  says: /cannot connect to the docker daemon|docker\.sock|failed to (do request|resolve source)/i,
};

function docker(files: Look): Detected[] {
  const by = files.first('Dockerfile', 'Containerfile');
  if (by === undefined) return [];
  const argv = ['docker', 'build', '--quiet', '--file', by, '.'];
  return [{ what: 'build', by, argv, couldNot: DOCKER }];
}

/** Each says for itself what it asks for. */
export const languages: readonly Row[] = [
  { kind: 'node', detect: node },
  { kind: 'python', detect: python },
  { kind: 'go', detect: go },
  { kind: 'rust', detect: rust },
  { kind: 'maven', detect: maven },
  { kind: 'gradle', detect: gradle },
  { kind: 'dbt', detect: dbt },
];

/** Each asks for what no row before it does: most often it would do the same once more. */
export const gaps: readonly Row[] = [
  { kind: 'typescript', detect: typescript },
  { kind: 'make', detect: make },
];

/** Where nothing else asks for anything. */
export const atLast: readonly Row[] = [{ kind: 'docker', detect: docker }];
