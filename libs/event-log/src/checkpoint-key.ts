/** The key that signs checkpoints: Ed25519, in a file of its own outside the database. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
} from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Reads the private key; makes it, for its owner's eyes only, when there is none. */
export function signingKey(file: string): KeyObject {
  mkdirSync(dirname(file), { recursive: true });
  const { privateKey } = generateKeyPairSync('ed25519');
  try {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(file, pem, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return createPrivateKey(readFileSync(file));
}

/** The public key of a file with a public or a private one. */
export function verificationKey(file: string): KeyObject {
  return createPublicKey(readFileSync(file));
}

/** Short and the same for both halves: the first 16 hex digits of the hash of the public key. */
export function keyIdOf(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return hash('sha256', half.export({ type: 'spki', format: 'der' })).slice(0, 16);
}
