/**
 * Checks a manifest by itself, with nothing running. Owns what can be told from the text alone: it
 * has the form of one and nothing beside it, the hashes in it are those of what they stand for, and
 * its parts agree with each other. Any other member may have been changed without a trace: whether it
 * is the one that was sealed, only its digest in the log can tell. Hashing is passed in.
 */
import { canonicalJson, NotCanonicalError } from './canonical-json';
import { explainIssues } from './explain-issues';
import { directiveIdOf } from './ids';
import { DirectiveManifest, RunManifest, MANIFEST_SCHEMA_VERSION } from './manifest';

export interface ManifestVerification {
  readonly ok: boolean;
  readonly kind: 'run' | 'directive' | null;
  /** The run's or the directive's id. */
  readonly id: string | null;
  /** Digest of its canonical text: what the log has sealed. */
  readonly digest: string | null;
  readonly problems: readonly { readonly path: string; readonly message: string }[];
}

type Problem = ManifestVerification['problems'][number];

/** `sealedDigest`, if known, is compared too. */
export function verifyManifest(
  manifest: unknown,
  sha256: (text: string) => Uint8Array,
  sealedDigest?: string,
): ManifestVerification {
  const digestOf = (value: unknown) => `sha256:${hex(sha256(canonicalJson(value)))}`;
  const kind = kindOf(manifest);
  if (kind === null) {
    const message = 'is not a manifest: "kind" must be "run" or "directive"';
    return { ok: false, kind, id: null, digest: null, problems: [{ path: '', message }] };
  }
  const schema = kind === 'run' ? RunManifest : DirectiveManifest;
  const parsed = schema.safeParse(manifest);
  const problems: Problem[] = [];
  const digest = digestOrNull(() => digestOf(manifest), problems);
  if (!parsed.success) problems.push(...explainIssues(schema, parsed.error, manifest));
  const known = parsed.data;
  if (known !== undefined && known.schemaVersion > MANIFEST_SCHEMA_VERSION) {
    const message = `is ${known.schemaVersion}; this version knows up to ${MANIFEST_SCHEMA_VERSION}`;
    problems.push({ path: '/schemaVersion', message });
  } else if (known !== undefined && digest !== null && digestOf(known) !== digest) {
    problems.push({ path: '', message: 'holds members that no manifest of its version has' });
  }
  if (known?.kind === 'run') problems.push(...problemsOfRun(known, digestOf));
  if (known?.kind === 'directive') problems.push(...problemsOfDirective(known));
  if (sealedDigest !== undefined && digest !== null && digest !== sealedDigest) {
    problems.push({ path: '', message: `the manifest is ${digest}, sealed is ${sealedDigest}` });
  }
  const id = known === undefined ? null : known.kind === 'run' ? known.runId : known.directiveId;
  return { ok: problems.length === 0, kind, id, digest, problems };
}

function problemsOfRun(run: RunManifest, digestOf: (value: unknown) => string): Problem[] {
  const problems: Problem[] = [];
  const agree = (path: string, given: unknown, expected: unknown, why: string) => {
    if (given !== expected) problems.push({ path, message: `is ${given}, but ${why} ${expected}` });
  };
  const { runId, directiveId, step, attempt, inputBundle } = run;
  const parts = /^([a-z0-9]+)-g\d+-(.+)-a(\d+)$/.exec(runId) ?? [];
  agree('/directiveId', directiveId, parts[1], 'runId says');
  agree('/step', step, parts[2], 'runId says');
  agree('/attempt', attempt, Number(parts[3]), 'runId says');
  if (inputBundle !== null) {
    const hash = digestOf(inputBundle.components);
    agree('/inputBundle/hash', inputBundle.hash, hash, 'its components give');
  }
  const oneEach = (digests: readonly string[]) => [...new Set(digests)].sort().join(' ');
  const edges = (kind: string, list: string, made: readonly { readonly digest: string }[]) => {
    const named = run.dependencies.filter((it) => it.kind === kind && it.id.startsWith('sha256:'));
    if (oneEach(named.map(({ id }) => id)) === oneEach(made.map(({ digest }) => digest))) return;
    problems.push({ path: '/dependencies', message: `"${kind}" is not what ${list} says` });
  };
  edges('requires', 'resolvedInputs', run.resolvedInputs);
  edges('generates', 'outputs', run.outputs);
  return problems;
}

function problemsOfDirective({ directiveId, steps }: DirectiveManifest): Problem[] {
  return steps.flatMap(({ runId }, at) => {
    if (runId === null || directiveIdOf(runId) === directiveId) return [];
    return [{ path: `/steps/${at}/runId`, message: `is ${runId}, a run of another directive` }];
  });
}

function kindOf(value: unknown): 'run' | 'directive' | null {
  if (typeof value !== 'object' || value === null) return null;
  const kind = (value as { kind?: unknown }).kind;
  return kind === 'run' || kind === 'directive' ? kind : null;
}

function digestOrNull(digest: () => string, problems: Problem[]): string | null {
  try {
    return digest();
  } catch (error) {
    if (!(error instanceof NotCanonicalError)) throw error;
    problems.push({ path: error.path, message: error.reason });
    return null;
  }
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
