/** What a workspace package must say about itself, and what it may use. */
import { builtinModules } from 'node:module';
import { importsOf, isSource, isSpec } from './imports';
import type { Tree } from './tree';

interface PackageJson {
  name?: string;
  private?: boolean;
  version?: string;
  license?: string;
  main?: string;
  nx?: { tags?: string[] };
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

export interface WorkspacePackage {
  /** `libs/contracts` */
  folder: string;
  json: PackageJson;
}

const builtin = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));

/** Never imported by us, but loaded by what is: declared beside it. */
const loadedBy: Record<string, readonly string[]> = {
  rxjs: ['@nestjs/common'],
  'reflect-metadata': ['@nestjs/common', 'typeorm'],
  '@nestjs/core': ['@nestjs/common'],
  '@nestjs/platform-express': ['@nestjs/core'],
  '@nestjs/microservices': ['@nestjs/core'],
  pg: ['typeorm'],
};

export function packagesOf(tree: Tree): WorkspacePackage[] {
  return [...tree]
    .filter(([path]) => /^(libs|services)\/[^/]+\/package\.json$/.test(path))
    .map(([path, text]) => ({
      folder: path.slice(0, -'/package.json'.length),
      json: JSON.parse(text) as PackageJson,
    }));
}

const rootJson = (tree: Tree) => JSON.parse(tree.get('package.json') ?? '{}') as PackageJson;

export function packageNames(tree: Tree): string[] {
  return packagesOf(tree).flatMap(({ folder, json }) => {
    const [kind, name] = folder.split('/') as ['libs' | 'services', string];
    const tags = [kind === 'libs' ? 'type:library' : 'type:service', `scope:${name}`];
    const wanted: PackageJson = {
      name: `@writ/${name}`,
      private: true,
      version: rootJson(tree).version,
      license: rootJson(tree).license,
      main: kind === 'libs' ? 'dist/index.js' : 'dist/main.js',
    };
    return [
      ...Object.entries(wanted)
        .filter(([key, value]) => json[key as keyof PackageJson] !== value)
        .map(([key, value]) => `${folder}/package.json: ${key} is not ${String(value)}`),
      ...tags
        .filter((tag) => !json.nx?.tags?.includes(tag))
        .map((tag) => `${folder}/package.json: the nx tag ${tag} is missing`),
    ];
  });
}

/** `@nestjs/common/interfaces` -> `@nestjs/common` */
const packageOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

function packagesUsed(tree: Tree, folder: string, which: (path: string) => boolean): Set<string> {
  const used = new Set<string>();
  for (const [path, text] of tree) {
    if (!path.startsWith(`${folder}/src/`) || !isSource(path) || !which(path)) continue;
    if (/\/house\/(tidy|lint-canary)\.spec\.ts$/.test(path)) continue; // imports in strings
    for (const specifier of importsOf(text)) {
      if (!specifier.startsWith('.') && !builtin.has(specifier)) used.add(packageOf(specifier));
    }
  }
  return used;
}

/** A package that is found by its name, not imported: programs inside it, say. */
function isNamed(tree: Tree, folder: string, name: string): boolean {
  const form = new RegExp(`['"\`]@?${name}[/'"\`]`);
  return [...tree].some(
    ([path, text]) => path.startsWith(`${folder}/src/`) && isSource(path) && form.test(text),
  );
}

/** Used and not declared, declared and not used; of a spec, what the root declares may be used. */
export function dependencies(tree: Tree): string[] {
  const rootDeclared = Object.keys(rootJson(tree).devDependencies ?? {});
  return packagesOf(tree).flatMap(({ folder, json }) => {
    const declared = Object.keys(json.dependencies ?? {});
    const forSpecs = Object.keys(json.devDependencies ?? {});
    const bySources = packagesUsed(tree, folder, (path) => !isSpec(path));
    const bySpecs = packagesUsed(tree, folder, isSpec);
    const known = new Set([...declared, ...forSpecs, ...rootDeclared, json.name, '@writ/testing']);
    const isLoaded = (name: string) => (loadedBy[name] ?? []).some((loader) => known.has(loader));
    return [
      ...[...bySources]
        .filter((name) => !declared.includes(name))
        .map((name) => `${folder} uses ${name} and does not declare it`),
      ...[...bySpecs]
        .filter((name) => !known.has(name) && !bySources.has(name))
        .map((name) => `${folder}: a spec uses ${name}, and nobody declares it`),
      ...declared
        .filter((name) => !bySources.has(name) && !isLoaded(name) && !isNamed(tree, folder, name))
        .map((name) => `${folder} declares ${name} and does not use it`),
      ...forSpecs
        .filter((name) => !bySpecs.has(name) && !isLoaded(name))
        .map((name) => `${folder} declares ${name} for its specs, and no spec uses it`),
    ];
  });
}

/** Ours are `*`, all others exact and everywhere the same. */
export function versions(tree: Tree): string[] {
  const seen = new Map<string, string>();
  return [{ folder: '.', json: rootJson(tree) }, ...packagesOf(tree)].flatMap(({ folder, json }) =>
    Object.entries({ ...json.dependencies, ...json.devDependencies }).flatMap(([name, version]) => {
      if (name.startsWith('@writ/')) {
        return version === '*' ? [] : [`${folder}: ${name} is ${version}, not *`];
      }
      if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) {
        return [`${folder}: ${name} is ${version}, not an exact version`];
      }
      const first = seen.get(name) ?? version;
      seen.set(name, first);
      return first === version ? [] : [`${folder}: ${name} is ${version}, elsewhere ${first}`];
    }),
  );
}
