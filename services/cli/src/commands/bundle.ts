import { type BundleFile, type BundleMetadata, plainLine } from '@writ/contracts';
import { existsSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';

import { gatherBundle, type Gathered } from '../bundle-file/gather-bundle';
import type { OpenBundle } from '../bundle-file/open-bundle';
import { verifyBundle, type VerifiedBundle } from '../bundle-file/verify-bundle';
import { writeBundle } from '../bundle-file/write-bundle';
import { CliError, EXIT } from '../cli-error';
import { Gateway } from '../gateway-client';
import { Output } from '../output';
import type { CommonOptions } from '../program';
import { bytes, table } from '../view/style';

interface ExportOptions extends CommonOptions {
  readonly out: string;
  readonly step?: string;
  readonly force: boolean;
}

export async function exportBundle(id: string, options: ExportOptions): Promise<void> {
  const output = new Output(options);
  const { out, step, force } = options;
  if (existsSync(out) && !(force && statSync(out).isFile())) {
    const cure = statSync(out).isFile() ? '; --force replaces it' : ' and no file';
    throw new CliError('already_exists', `${out} is there already${cure}`);
  }
  const { version } = require('../../package.json') as { version: string };
  const gateway = Gateway.find((text) => output.talk(text));
  const gathered = await gatherBundle(gateway, id, step, version);
  const digest = await writeVerified(gateway, gathered, out);
  const told = summaryOf(gathered.metadata);
  if (output.json) output.value({ file: out, digest, ...told });
  else output.data(`${out}: ${told.files} files, ${bytes(told.bytes)}, ${digest ?? ''}`);
}

/** Under its name there is a whole bundle or none. Returns its digest. */
async function writeVerified(gateway: Gateway, gathered: Gathered, out: string) {
  const part = `${out}.${process.pid}.part`;
  try {
    await writeBundle(gateway, gathered, part);
    const { ok, digest, problems } = await verifyBundle(part);
    if (!ok) throw unsound(out, problems);
    await rename(part, out);
    return digest;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

export async function verify(file: string, options: CommonOptions): Promise<number> {
  const output = new Output(options);
  const found = await verifyBundle(file);
  const { ok, digest, metadata, problems } = found;
  if (output.json) {
    output.value({ ok, digest, ...(metadata === null ? {} : summaryOf(metadata)), problems });
  } else if (ok && metadata !== null) {
    output.data(viewOf(found, metadata).join('\n'));
    output.talk('every member is what it says; "writ manifest verify" tells more of a manifest');
  } else {
    output.talk(`${file} does not hold:`);
    for (const { path, message } of problems) {
      output.talk(`  ${plainLine(path === '' ? 'it' : path, 300)} ${plainLine(message, 500)}`);
    }
  }
  return ok ? EXIT.ok : EXIT.verificationFailed;
}

export async function importBundle(file: string, options: CommonOptions): Promise<void> {
  const output = new Output(options);
  const gateway = Gateway.find((text) => output.talk(text));
  let kept: Kept = { present: [], added: [] };
  const found = await verifyBundle(file, async (bundle, metadata) => {
    kept = await keep(gateway, bundle, metadata);
  });
  const { ok, metadata, problems } = found;
  if (!ok || metadata === null) throw unsound(file, problems);
  const { present, added } = kept;
  if (output.json) output.value({ ...summaryOf(metadata), new: added, present });
  else {
    const rows = [...added.map((it) => rowOf('new', it)), ...present.map((it) => rowOf('had', it))];
    output.data(table(rows).join('\n'));
    const isOne = added.length === 1;
    output.talk(
      `${added.length} ${isOne ? 'is' : 'are'} new, ${present.length} were there; a step has them ` +
        'as inputs by {name, digest}',
    );
  }
}

interface KeptContent {
  readonly digest: string;
  readonly bytes: number;
  /** In the bundle. */
  readonly paths: readonly string[];
}

interface Kept {
  readonly present: readonly KeptContent[];
  readonly added: readonly KeptContent[];
}

/** Of one upload, by the gateway. */
const UPLOAD_LIMIT = 64 * 1024 * 1024;

/** Each content once. Nothing is sent when one cannot be. */
async function keep(
  gateway: Gateway,
  bundle: OpenBundle,
  { files }: BundleMetadata,
): Promise<Kept> {
  const contents = new Map<string, BundleFile[]>();
  for (const file of files) contents.set(file.digest, [...(contents.get(file.digest) ?? []), file]);
  const [present, missing]: [KeptContent[], KeptContent[]] = [[], []];
  for (const [digest, same] of contents) {
    const content = { digest, bytes: same[0]?.bytes ?? 0, paths: same.map(({ path }) => path) };
    const isThere = await gateway.exists(`/v1/artifacts/${digest}`);
    (isThere ? present : missing).push(content);
  }
  const large = missing.find((it) => it.bytes > UPLOAD_LIMIT);
  if (large !== undefined) {
    const message = `${large.paths[0] ?? ''} has ${large.bytes} bytes; the stack takes ${UPLOAD_LIMIT}`;
    throw new CliError('too_large', message);
  }
  for (const { digest, paths } of missing) {
    const entry = bundle.members.get(paths[0] ?? '');
    if (entry === undefined) throw new Error(`${digest} was verified and is not there`);
    await gateway.putStream(`/v1/artifacts/${digest}`, () => bundle.read(entry));
  }
  return { present, added: missing };
}

function summaryOf({ directive, step, createdAt, files, log, writVersion }: BundleMetadata) {
  return {
    ...{ directiveId: directive.id, step, createdAt, writVersion, log },
    files: files.length,
    bytes: files.reduce((sum, it) => sum + it.bytes, 0),
  };
}

function viewOf({ digest }: VerifiedBundle, metadata: BundleMetadata): string[] {
  const { directive, step, createdAt, files, log } = metadata;
  const { bytes: size } = summaryOf(metadata);
  const count = (kind: BundleFile['kind']) => files.filter((it) => it.kind === kind).length;
  return table([
    ['bundle', digest ?? ''],
    ['directive', `${directive.id} (${directive.status}) ${plainLine(directive.title)}`],
    ...(step === null ? [] : [['step', step]]),
    ['made', `${createdAt}, position ${log.position} of the log`],
    ['files', `${files.length}, ${bytes(size)}`],
    ['artifacts', String(count('artifact'))],
    ['manifests', String(count('manifest'))],
    ['transcripts', String(count('transcript'))],
  ]);
}

function rowOf(word: string, { digest, bytes: size, paths }: KeptContent): string[] {
  const more = paths.length === 1 ? '' : ` and ${paths.length - 1} more`;
  return [word, digest, bytes(size), `${plainLine(paths[0] ?? '')}${more}`];
}

function unsound(file: string, problems: VerifiedBundle['problems']): CliError {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  const what = `${first?.path ?? ''} ${first?.message ?? ''}`.trim();
  return new CliError('verification_failed', `${file} does not hold: ${what}${more}`, { problems });
}
