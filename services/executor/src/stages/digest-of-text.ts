/** Digests of the components of a bundle, most of which are alike from one step to the next. */
import { hash } from 'node:crypto';

const MOST_KNOWN = 1_000;
const LONGEST_KNOWN = 512;

const known = new Map<string, string>();

/** `sha256:<64 hex>` of the text's UTF-8 bytes. */
export function digestOfText(text: string): string {
  const found = known.get(text);
  if (found !== undefined) return found;
  const digest = `sha256:${hash('sha256', text)}`;
  if (text.length > LONGEST_KNOWN) return digest;
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(text, digest);
  return digest;
}
