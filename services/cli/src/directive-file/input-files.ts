/**
 * Files beside the directive file that steps name under `inputs`: found, hashed, named by digest.
 * Owns that nothing outside the folder is ever read: names are relative, links are followed and must
 * end inside, and what was checked is what is read.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from 'node:fs';
import { join, sep } from 'node:path';

import { compileGlob, type Issue, type IssueCode, nearest, WorkspacePath } from '@writ/contracts';

import { isMap } from './is-map';

const FILE_LIMIT = 64 * 1024 * 1024;
/** Looked at for a pattern; a folder with more is not the folder of a directive. */
const ENTRY_LIMIT = 20_000;

export interface InputFile {
  readonly name: string;
  readonly path: string;
  readonly digest: string;
}

interface Folder {
  readonly path: string;
  readonly files: Map<string, InputFile | string>;
  listing?: string[];
}

/** Replaces names and patterns by `{name, digest}`; what cannot be had becomes an issue. */
export function resolveInputs(
  value: unknown,
  folder: string,
  issues: Issue[],
): { value: unknown; files: InputFile[] } {
  const steps = isMap(value) && isMap(value['chain']) ? value['chain']['steps'] : undefined;
  if (!Array.isArray(steps)) return { value, files: [] };
  const from: Folder = { path: realpathSync(folder), files: new Map() };
  const resolved = steps.map((step: unknown, at) => {
    if (!isMap(step) || !Array.isArray(step['inputs'])) return step;
    const inputs = step['inputs'].flatMap((input: unknown, index) =>
      typeof input === 'string'
        ? found(input, from, `/chain/steps/${at}/inputs/${index}`, issues)
        : [input],
    );
    const once = new Map(inputs.map((input) => [isMap(input) ? input['name'] : input, input]));
    return { ...step, inputs: [...once.values()] };
  });
  const directive = value as { chain: object };
  const files = [...from.files.values()].filter((it): it is InputFile => typeof it !== 'string');
  return { value: { ...directive, chain: { ...directive.chain, steps: resolved } }, files };
}

function found(
  pattern: string,
  folder: Folder,
  path: string,
  issues: Issue[],
): { name: string; digest: string }[] {
  const tell = (code: IssueCode, message: string) => void issues.push({ code, message, path });
  const form = WorkspacePath.safeParse(pattern);
  if (!form.success) {
    tell('invalid_input', `"${pattern}" ${form.error.issues[0]?.message ?? 'is not a path'}`);
    return [];
  }
  const { literal, matches } = compileGlob(pattern);
  const names = literal === null ? listing(folder)?.filter(matches) : [literal];
  if (names === undefined) {
    tell('invalid_input', `the folder holds more than ${ENTRY_LIMIT} files; name them one by one`);
    return [];
  }
  if (names.length === 0)
    tell('input_missing', `no file beside the directive file fits "${pattern}"`);
  return names.flatMap((name) => {
    const file = folder.files.get(name) ?? take(name, folder);
    folder.files.set(name, file);
    if (typeof file !== 'string') return [{ name, digest: file.digest }];
    tell('input_missing', file);
    return [];
  });
}

/** The file, or why it cannot be had. */
function take(name: string, folder: Folder): InputFile | string {
  let real: string;
  try {
    real = realpathSync(join(folder.path, name));
  } catch {
    const near = nearest(name, listing(folder) ?? []);
    const hint = near === undefined ? '' : `; did you mean "${near}"?`;
    return `there is no file "${name}" beside the directive file${hint}`;
  }
  if (!real.startsWith(folder.path + sep)) {
    return `"${name}" leads out of the folder of the directive file (to ${real})`;
  }
  const descriptor = openSync(
    real,
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  );
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return `"${name}" is not a file`;
    if (stat.size > FILE_LIMIT)
      return `"${name}" has ${stat.size} bytes; at most ${FILE_LIMIT} are taken`;
    const hash = createHash('sha256').update(readFileSync(descriptor)).digest('hex');
    return { name, path: real, digest: `sha256:${hash}` };
  } finally {
    closeSync(descriptor);
  }
}

/** Names of all files below the folder, links to folders not followed; undefined when too many. */
function listing(folder: Folder): string[] | undefined {
  if (folder.listing !== undefined) return folder.listing;
  const names: string[] = [];
  const pending = [''];
  for (let below = pending.pop(); below !== undefined; below = pending.pop()) {
    for (const entry of readdirSync(join(folder.path, below), { withFileTypes: true })) {
      const name = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) {
        if (entry.name !== '.git' && entry.name !== 'node_modules') pending.push(name);
      } else names.push(name);
      if (names.length > ENTRY_LIMIT) return undefined;
    }
  }
  return (folder.listing = names.sort());
}
