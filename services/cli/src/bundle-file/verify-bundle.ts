/**
 * Verifies a bundle with nothing running. Owns what can be told from the file alone: every member is
 * what `metadata.json` says and nothing else is there, and the manifests agree with the files and with
 * each other. Whether a manifest is the one that was sealed, only its digest in the log can tell.
 */
import {
  BUNDLE_FORMAT_VERSION,
  BUNDLE_METADATA,
  type BundleFile,
  bundleLimits,
  BundleMetadata,
  DirectiveManifest,
  explainIssues,
  RunManifest,
  verifyManifest,
} from '@writ/contracts';
import { createHash } from 'node:crypto';
import type { Entry } from 'yauzl';

import { OpenBundle, type Problem } from './open-bundle';

export interface VerifiedBundle {
  readonly ok: boolean;
  /** SHA-256 of `metadata.json`: it stands for the whole. */
  readonly digest: string | null;
  readonly metadata: BundleMetadata | null;
  readonly problems: readonly Problem[];
}

/** Of one manifest; it has to be read whole. */
const MANIFEST_BYTES = 64 * 1024 * 1024;

/** `use` is called with the open file when everything holds. */
export async function verifyBundle(
  path: string,
  use: (bundle: OpenBundle, metadata: BundleMetadata) => Promise<void> = () => Promise.resolve(),
): Promise<VerifiedBundle> {
  const bundle = await OpenBundle.open(path);
  if (!(bundle instanceof OpenBundle)) return failed([bundle]);
  try {
    if (bundle.problems.length > 0) return failed(bundle.problems);
    const told = await readMetadata(bundle);
    if (told === undefined) return failed(bundle.problems);
    const { metadata, digest } = told;
    const manifests = await checkFiles(bundle, metadata);
    checkManifests(bundle, metadata, manifests);
    const ok = bundle.problems.length === 0;
    if (ok) await use(bundle, metadata);
    return { ok, digest, metadata, problems: bundle.problems };
  } finally {
    bundle.close();
  }
}

const failed = (problems: readonly Problem[]): VerifiedBundle => ({
  ...{ ok: false, digest: null, metadata: null, problems },
});

async function readMetadata(bundle: OpenBundle) {
  const entry = bundle.members.get(BUNDLE_METADATA);
  const wrong = (message: string) => void bundle.problem(BUNDLE_METADATA, message);
  if (entry === undefined) return wrong('is missing: this is no bundle of Writ');
  if (entry.uncompressedSize > bundleLimits.metadataBytes) return wrong('is too large');
  const read = await readMember(bundle, entry, true);
  if (read === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(read.text);
  } catch {
    return wrong('is no JSON');
  }
  const { formatVersion } = Object(value) as { formatVersion?: unknown };
  if (typeof formatVersion === 'number' && formatVersion > BUNDLE_FORMAT_VERSION) {
    return wrong(`has format ${formatVersion}; this Writ knows ${BUNDLE_FORMAT_VERSION}`);
  }
  const result = BundleMetadata.safeParse(value);
  if (result.success) return { metadata: result.data, digest: read.digest };
  for (const { path, message } of explainIssues(BundleMetadata, result.error, value)) {
    wrong(`${path} ${message}`);
  }
  return undefined;
}

/** Returns the texts of the manifests by path. */
async function checkFiles(
  bundle: OpenBundle,
  { files }: BundleMetadata,
): Promise<Map<string, string>> {
  const unlisted = new Set(bundle.members.keys());
  unlisted.delete(BUNDLE_METADATA);
  const listed = new Set<string>();
  const manifests = new Map<string, string>();
  for (const file of files) {
    const { path, digest, bytes } = file;
    if (listed.has(path)) bundle.problem(path, 'is listed twice');
    listed.add(path);
    unlisted.delete(path);
    const entry = bundle.members.get(path);
    if (entry === undefined) bundle.problem(path, 'is missing');
    else if (entry.uncompressedSize !== bytes) {
      bundle.problem(path, `has ${entry.uncompressedSize} bytes, not ${bytes}`);
    } else {
      const isManifest = file.kind === 'manifest' && bytes <= MANIFEST_BYTES;
      const read = await readMember(bundle, entry, isManifest);
      if (read !== undefined && read.digest !== digest) {
        bundle.problem(path, `is ${read.digest}, not ${digest}`);
      } else if (read !== undefined && isManifest) manifests.set(path, read.text);
    }
  }
  for (const path of unlisted) bundle.problem(path, `is not listed in ${BUNDLE_METADATA}`);
  return manifests;
}

async function readMember(bundle: OpenBundle, entry: Entry, keep: boolean) {
  const hash = createHash('sha256');
  const pieces: Buffer[] = [];
  try {
    for await (const piece of (await bundle.read(entry)) as AsyncIterable<Buffer>) {
      hash.update(piece);
      if (keep) pieces.push(piece);
    }
  } catch (error) {
    bundle.problem(entry.fileName, `cannot be read: ${(error as Error).message}`);
    return undefined;
  }
  const digest = `sha256:${hash.digest('hex')}`;
  return { digest, text: Buffer.concat(pieces).toString() };
}

function checkManifests(
  bundle: OpenBundle,
  { files }: BundleMetadata,
  texts: ReadonlyMap<string, string>,
): void {
  const sha256 = (text: string) => createHash('sha256').update(text).digest();
  for (const file of files) {
    const text = texts.get(file.path);
    if (file.kind !== 'manifest' || text === undefined) continue;
    const value = parsed(text);
    const found = verifyManifest(value, sha256, file.digest);
    for (const { path, message } of found.problems) {
      bundle.problem(file.path, `${path} ${message}`.trim());
    }
    if (!found.ok) continue;
    if (found.kind === 'run') {
      checkRun(bundle, file, RunManifest.parse(value), files);
    } else checkDirective(bundle, file, DirectiveManifest.parse(value), files);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // which is no manifest, and told so
  }
}

/** Its outputs are the artifacts of the run in this bundle, all of them and no others. */
function checkRun(
  bundle: OpenBundle,
  { path, runId }: BundleFile,
  manifest: RunManifest,
  files: readonly BundleFile[],
): void {
  if (manifest.runId !== runId) {
    return bundle.problem(path, `is of run ${manifest.runId}, not of ${runId ?? 'the directive'}`);
  }
  const made = new Map(manifest.outputs.map((it) => [it.path, it.digest]));
  for (const file of files) {
    if (file.runId !== runId) continue;
    if (file.kind === 'transcript' && file.digest !== manifest.transcript) {
      bundle.problem(file.path, `is not the transcript that ${path} names`);
    }
    if (file.kind !== 'artifact') continue;
    if (made.get(file.name ?? '') !== file.digest) {
      bundle.problem(file.path, `is not what ${path} says that the run made`);
    }
    made.delete(file.name ?? '');
  }
  for (const name of made.keys()) bundle.problem(path, `names "${name}", which is not here`);
}

function checkDirective(
  bundle: OpenBundle,
  { path }: BundleFile,
  { steps }: DirectiveManifest,
  files: readonly BundleFile[],
): void {
  const digests = new Map(
    files.filter(({ kind }) => kind === 'manifest').map(({ runId, digest }) => [runId, digest]),
  );
  for (const { runId, manifestDigest } of steps) {
    const digest = runId === null ? undefined : digests.get(runId);
    if (digest === undefined || manifestDigest === null || digest === manifestDigest) continue;
    bundle.problem(path, `names ${manifestDigest} for run ${runId}, which has ${digest} here`);
  }
}
