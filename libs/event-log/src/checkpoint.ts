/**
 * Signed checkpoints: which hash stood at which position, kept outside the database. The chain of
 * hashes shows that an event was changed; only these show that the end of the log was cut off, or
 * that the whole chain was computed anew.
 */
import { sign, verify, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { canonicalJson } from '@writ/contracts';
import { keyIdOf } from './checkpoint-key';
import type { LogHead } from './event-log';

export interface Checkpoint extends LogHead {
  /** By the clock of the process that signed; RFC 3339. */
  readonly at: string;
  readonly keyId: string;
}

export interface SignedCheckpoint extends Checkpoint {
  /** Ed25519 over the text of `signedText`, base64. */
  readonly signature: string;
}

export function signCheckpoint(head: LogHead, key: KeyObject, at = new Date()): SignedCheckpoint {
  const { position, hash } = head;
  const checkpoint = { position, hash, at: at.toISOString(), keyId: keyIdOf(key) };
  const signature = sign(null, signedText(checkpoint), key).toString('base64');
  return { ...checkpoint, signature };
}

export function isSignedBy(checkpoint: SignedCheckpoint, key: KeyObject): boolean {
  const signature = Buffer.from(checkpoint.signature, 'base64');
  return checkpoint.keyId === keyIdOf(key) && verify(null, signedText(checkpoint), key, signature);
}

/** Names its purpose, so that no other signature of the key passes for one. */
function signedText({ position, hash, at, keyId }: Checkpoint): Buffer {
  return Buffer.from(
    canonicalJson({ purpose: 'writ log checkpoint 1', position, hash, at, keyId }),
  );
}

/** Adds a line and waits for the disk. */
export async function appendCheckpoint(file: string, checkpoint: SignedCheckpoint): Promise<void> {
  const handle = await open(file, 'a+', 0o644);
  try {
    const { size } = await handle.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    // A line that a power cut left unfinished must not swallow this one.
    const separator = size > 0 && last.toString() !== '\n' ? '\n' : '';
    await handle.appendFile(`${separator}${canonicalJson(checkpoint)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Every line that is a checkpoint by its form, whoever signed it; in the order of the file. */
export function readCheckpoints(file: string): SignedCheckpoint[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').flatMap(checkpointOf);
}

function checkpointOf(line: string): SignedCheckpoint[] {
  try {
    const { position, hash, at, keyId, signature } = JSON.parse(line) as SignedCheckpoint;
    const texts = [hash, at, keyId, signature].every((text) => typeof text === 'string');
    return texts && Number.isSafeInteger(position)
      ? [{ position, hash, at, keyId, signature }]
      : [];
  } catch {
    return []; // the line was not finished
  }
}
