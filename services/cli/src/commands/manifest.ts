import { verifyManifest } from '@writ/contracts';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { CliError, EXIT } from '../cli-error';
import { Gateway } from '../gateway-client';
import { Output } from '../output';
import type { CommonOptions } from '../program';
import { table } from '../view/style';

/** Of a run or a directive; with --json the text as it was sealed. */
export async function show(id: string, options: CommonOptions): Promise<void> {
  const output = new Output(options);
  const kind = id.includes('-') ? 'runs' : 'directives';
  const text = await Gateway.find().getText(`/v1/${kind}/${encodeURIComponent(id)}/manifest`);
  output.data(output.json ? text : JSON.stringify(JSON.parse(text), null, 2));
}

interface VerifyOptions extends CommonOptions {
  readonly digest?: string;
}

const SIZE_LIMIT = 64 * 1024 * 1024;

export async function verify(file: string, options: VerifyOptions): Promise<number> {
  const output = new Output(options);
  const sha256 = (text: string) => createHash('sha256').update(text).digest();
  const found = verifyManifest(readJson(file), sha256, options.digest);
  if (output.json) output.value(found);
  else if (found.ok) {
    const rows = [
      [`${found.kind} manifest`, found.id ?? ''],
      ['digest', found.digest ?? ''],
    ];
    output.data(table(rows).join('\n'));
    const sealed = options.digest === undefined ? '; compare its digest with the log' : '';
    output.talk(`the hashes in it hold${sealed}`);
  } else {
    output.talk(`${file} does not hold:`);
    for (const { path, message } of found.problems) output.talk(`  ${path} ${message}`);
  }
  return found.ok ? EXIT.ok : EXIT.verificationFailed;
}

function readJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new CliError('not_found', `there is no file ${file}`);
    throw new CliError('usage', `${file} cannot be read: ${message}`);
  }
  if (text.length > SIZE_LIMIT)
    throw new CliError('too_large', `${file} is no manifest: too large`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError('malformed', `${file} is not JSON: ${(error as Error).message}`);
  }
}
