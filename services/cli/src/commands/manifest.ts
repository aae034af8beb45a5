import { verifyManifest } from '@writ/contracts';
import { createHash } from 'node:crypto';

import { directivePath, runPath } from '../api-path';
import { CliError, EXIT } from '../cli-error';
import { Gateway } from '../gateway-client';
import { Output } from '../output';
import type { CommonOptions } from '../program';
import { readBounded } from '../read-bounded';
import { table } from '../view/style';

/** Of a run or a directive; with --json the text as it was sealed. */
export async function show(id: string, options: CommonOptions): Promise<void> {
  const output = new Output(options);
  const path = id.includes('-') ? runPath(id) : directivePath(id);
  const text = await Gateway.find().getText(`${path}/manifest`);
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
  const text = readBounded(file, SIZE_LIMIT, 'manifest').toString('utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError('malformed', `${file} is not JSON: ${(error as Error).message}`);
  }
}
