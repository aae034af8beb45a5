/**
 * Checks a manifest by itself, with nothing running: that it has the form of one and that the hashes
 * in it are those of what they stand for. Whether it is the one that was sealed, only its digest in
 * the log can tell. Hashing is passed in.
 */
import { canonicalJson, NotCanonicalError } from './canonical-json';
import { explainIssues } from './explain-issues';
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
  const problems: { path: string; message: string }[] = [];
  if (!parsed.success) problems.push(...explainIssues(schema, parsed.error, manifest));
  const known = parsed.data;
  if (known !== undefined && known.schemaVersion > MANIFEST_SCHEMA_VERSION) {
    const message = `is ${known.schemaVersion}; this version knows up to ${MANIFEST_SCHEMA_VERSION}`;
    problems.push({ path: '/schemaVersion', message });
  }
  if (known?.kind === 'run' && known.inputBundle !== null) {
    const hash = digestOf(known.inputBundle.components);
    if (hash !== known.inputBundle.hash) {
      const message = `is ${known.inputBundle.hash}, but its components give ${hash}`;
      problems.push({ path: '/inputBundle/hash', message });
    }
  }
  const digest = digestOrNull(() => digestOf(manifest), problems);
  if (sealedDigest !== undefined && digest !== null && digest !== sealedDigest) {
    problems.push({ path: '', message: `the manifest is ${digest}, sealed is ${sealedDigest}` });
  }
  const id = known === undefined ? null : known.kind === 'run' ? known.runId : known.directiveId;
  return { ok: problems.length === 0, kind, id, digest, problems };
}

function kindOf(value: unknown): 'run' | 'directive' | null {
  if (typeof value !== 'object' || value === null) return null;
  const kind = (value as { kind?: unknown }).kind;
  return kind === 'run' || kind === 'directive' ? kind : null;
}

function digestOrNull(
  digest: () => string,
  problems: { path: string; message: string }[],
): string | null {
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
