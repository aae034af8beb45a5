/**
 * The input bundle: everything that can change what a step makes, as named components, and one hash
 * over them. Owns which components there are and what is left out; where the values come from is
 * the executor's, hashing is passed in.
 *
 * The hash is SHA-256 over the RFC 8785 text of the map from component to digest, so whoever has the
 * bundle can name the component in which two runs differ.
 */
import { canonicalJson, type InputBundle } from '@writ/contracts';

/** `sha256:<64 hex>` of a text's UTF-8 bytes. */
export type DigestOfText = (text: string) => string;

export const BUNDLE_SCHEMA_VERSION = 1;

export interface BundleParts {
  readonly adapter: { readonly kind: string; readonly version: string };
  /** As written in the chain: `${inputs}` not replaced, since the place it stands for differs. */
  readonly command: unknown;
  readonly inputs: readonly { readonly name: string; readonly digest: string }[];
  /** What earlier steps made and this one is given. */
  readonly dependencies: readonly {
    readonly kind: string;
    readonly name: string;
    readonly digest: string;
  }[];
  readonly checks: unknown;
  readonly workspace: unknown;
  readonly environment: unknown;
  readonly outputs: readonly string[];
  /** Of a further attempt: what it is told of the one before. */
  readonly rework?: unknown;
}

/** What may differ between two runs of one bundle. */
export const EXCLUDED_FROM_BUNDLE: readonly string[] = [
  'attempt',
  'cost',
  'directiveId',
  'executor',
  'host',
  'retry',
  'runId',
  'sandboxLevel',
  'stepName',
  'timeout',
  'wallClock',
];

export function bundleOf(parts: BundleParts, digestOfText: DigestOfText): InputBundle {
  const values: Partial<Record<keyof BundleParts | 'schemaVersion', unknown>> = {
    schemaVersion: BUNDLE_SCHEMA_VERSION,
    adapter: parts.adapter,
    command: parts.command ?? null,
    inputs: sorted(parts.inputs, ({ name, digest }) => ({ name, digest })),
    dependencies: sorted(parts.dependencies, ({ kind, name, digest }) => ({ kind, name, digest })),
    checks: parts.checks ?? null,
    workspace: parts.workspace ?? null,
    environment: parts.environment ?? null,
    outputs: [...new Set(parts.outputs)].sort(),
    ...(parts.rework === undefined ? {} : { rework: parts.rework }),
  };
  const components = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, digestOfText(canonicalJson(value))]),
  );
  const hash = digestOfText(canonicalJson(components));
  return { hash, components, excluded: [...EXCLUDED_FROM_BUNDLE] };
}

/** Components that differ, by name: why the one is not the other. */
export function bundleDifference(
  one: Pick<InputBundle, 'components'>,
  other: Pick<InputBundle, 'components'>,
): string[] {
  const names = new Set([...Object.keys(one.components), ...Object.keys(other.components)]);
  return [...names].filter((name) => one.components[name] !== other.components[name]).sort();
}

/** The order in which things were listed changes nothing. */
function sorted<T, R>(items: readonly T[], pick: (item: T) => R): R[] {
  const picked = items.map((item) => {
    const value = pick(item);
    return { value, text: canonicalJson(value) };
  });
  picked.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
  return picked.map(({ value }) => value);
}
