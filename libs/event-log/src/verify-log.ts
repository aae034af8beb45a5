/**
 * Reads the whole log and computes every hash anew from what stands there; then asks the signed
 * checkpoints, when there are any, whether it is the log they were made of.
 *
 * V1 A changed, missing or exchanged event breaks the chain at its place.
 * V2 A chain computed anew after a change differs from a checkpoint at or after that place.
 * V3 A log that was cut ends before its last checkpoint, in a file or in what the database knows of
 *    files. Both are read first, so that what they speak of has been committed when the log is read.
 * V4 A file of checkpoints that was taken away, or cut, lacks some of which the database knows.
 */
import { hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { GENESIS_HASH, hashedText } from '@writ/contracts';
import { Client } from 'pg';
import { isSignedBy, readCheckpoints } from './checkpoint';
import { keyIdOf, verificationKey } from './checkpoint-key';
import { type Signed, signedCheckpoints } from './checkpoint-tally';
import { asTexts, type EventRow, withinBytes } from './event-rows';
import { endClient } from './leave-client';
import { PAGE_BYTES } from './projection';

export interface VerifyLogOptions {
  /** Of any role that may read the log. */
  readonly url: string;
  /** Compared only when given; the key may be the public or the private one. */
  readonly checkpoints?: { readonly file: string; readonly keyFile: string };
  /** Events read at a time, fewer where they are large. Default 5,000. */
  readonly pageSize?: number;
  readonly onProgress?: (progress: { position: number; headPosition: number }) => void;
}

export interface VerifyLogReport {
  /** Events found in order, up to the first that is bad. */
  readonly events: number;
  readonly headPosition: number;
  readonly headHash: string;
  readonly ok: boolean;
  readonly firstBad?: { readonly position: number; readonly reason: string };
  /** Checkpoints that were compared. */
  readonly checkpoints: number;
}

type Bad = NonNullable<VerifyLogReport['firstBad']>;

export async function verifyLog(options: VerifyLogOptions): Promise<VerifyLogReport> {
  const client = new Client({
    connectionString: options.url,
    application_name: 'writ verify',
    connectionTimeoutMillis: 3_000,
    query_timeout: 20_000,
  });
  client.on('error', () => undefined); // the read under way, or the next one, says so
  await client.connect();
  try {
    // What is noted is in the file: so this is asked first, and the file is read after it.
    const noted = options.checkpoints === undefined ? [] : await signedCheckpoints(client);
    const signed = new Checkpoints(options.checkpoints, noted);
    const { rows } = await client.query<{ position: string | null }>(
      'select max(position) as position from log.event',
    );
    const headPosition = Number(rows[0]?.position ?? 0);
    return await verifyPages(client, options, signed, headPosition);
  } finally {
    await endClient(client, 1_000);
  }
}

async function verifyPages(
  client: Client,
  options: VerifyLogOptions,
  signed: Checkpoints,
  headPosition: number,
): Promise<VerifyLogReport> {
  const { pageSize = 5_000, onProgress } = options;
  const read = (after: number) => {
    const rows = client.query<EventRow>(page(after, pageSize)).then((result) => result.rows);
    rows.catch(() => undefined); // thrown where it is awaited
    return rows;
  };
  let [position, previous] = [0, GENESIS_HASH];
  let firstBad = signed.forged ?? signed.missing; // V4
  let next = read(0);
  for (let rows = await next; rows.length > 0 && firstBad === undefined; rows = await next) {
    next = read(Number(rows.at(-1)?.[0])); // the server reads on while these are hashed
    for (const row of rows) {
      const computed = hashOf(row, previous);
      firstBad = badRow(row, position + 1, computed) ?? signed.bad(position + 1, computed);
      if (firstBad !== undefined) break;
      position += 1;
      previous = computed;
    }
    onProgress?.({ position, headPosition: Math.max(headPosition, position) });
  }
  await next;
  firstBad ??= signed.beyond(position); // V3
  return {
    events: position,
    headPosition: position,
    headHash: previous,
    ok: firstBad === undefined,
    ...(firstBad === undefined ? {} : { firstBad }),
    checkpoints: signed.compared,
  };
}

const page = (after: number, limit: number) => ({
  name: 'verify',
  text: withinBytes(
    'select * from log.event where position > $1 order by position limit $2',
    String(PAGE_BYTES),
  ),
  values: [after, limit],
  ...asTexts,
});

function hashOf(row: EventRow, previous: string): string {
  const [position, stream, version, id, type, schemaVersion, data, metadata, recordedAt] = row;
  const event = {
    id,
    type,
    stream,
    recordedAt,
    position: Number(position),
    version: Number(version),
    schemaVersion: Number(schemaVersion),
  };
  return hash('sha256', hashedText(event, data, metadata, previous));
}

/** V1 */
function badRow(row: EventRow, expected: number, computed: string): Bad | undefined {
  const position = Number(row[0]);
  if (position !== expected) {
    return { position: expected, reason: `event ${expected} is missing; the next is ${position}` };
  }
  if (row[9] === computed) return undefined;
  return { position, reason: `event ${position} is not what was appended: its hash does not fit` };
}

class Checkpoints {
  compared = 0;
  /** A line with the form of a checkpoint that the key has not signed. */
  readonly forged: Bad | undefined;
  /** Checkpoints that were signed and are not here. */
  readonly missing: Bad | undefined;
  private readonly hashes = new Map<number, string>();
  private last = 0;

  constructor(given: VerifyLogOptions['checkpoints'], noted: readonly Signed[]) {
    if (given === undefined) return;
    // Made with the first start; when it is gone nothing that it signed counts.
    const key = existsSync(given.keyFile) ? verificationKey(given.keyFile) : undefined;
    for (const checkpoint of readCheckpoints(given.file)) {
      const { position, hash: signedHash } = checkpoint;
      const known = this.hashes.get(position);
      if (key === undefined || !isSignedBy(checkpoint, key)) {
        this.forged ??= {
          position,
          reason: `the checkpoint of ${position} is not signed by the key`,
        };
      } else if (known !== undefined && known !== signedHash) {
        this.forged ??= {
          position,
          reason: `two checkpoints of ${position} contradict each other`,
        };
      }
      this.hashes.set(position, signedHash);
      this.last = Math.max(this.last, position);
    }
    this.missing = this.missingOf(noted, key && keyIdOf(key));
    this.last = Math.max(this.last, ...noted.map(({ last }) => last));
  }

  /** Others that sign have files of their own; but where there is none at all, theirs are missed. */
  private missingOf(noted: readonly Signed[], ours: string | undefined): Bad | undefined {
    const known = noted.find(({ keyId }) => keyId === ours);
    const due = known ?? (this.hashes.size === 0 ? noted.at(-1) : undefined);
    if (due === undefined) return undefined;
    const first = Math.min(...this.hashes.keys(), Number.POSITIVE_INFINITY);
    if (first <= due.first && this.last >= due.last) return undefined;
    const here =
      this.hashes.size === 0 ? 'none is here' : `those here are of ${first} to ${this.last}`;
    const reason = `checkpoints of ${due.first} to ${due.last} were signed, and ${here}: their file was removed or cut`;
    return { position: first <= due.first ? this.last + 1 : due.first, reason };
  }

  /** V2 */
  bad(position: number, computed: string): Bad | undefined {
    const expected = this.hashes.get(position);
    if (expected === undefined) return undefined;
    this.compared += 1;
    if (expected === computed) return undefined;
    return { position, reason: `at ${position} the log is not the one that the checkpoint signed` };
  }

  beyond(end: number): Bad | undefined {
    if (this.last <= end) return undefined;
    return { position: end + 1, reason: `the log ends at ${end}, but ${this.last} was signed` };
  }
}
