/**
 * Secrets that must not be found again: the executors and the verifier have them in their
 * environment, programs are given them and say them in every form they know. Owns their values, what
 * programs say, and the forms that are looked for, worked out here and not with the product's code.
 */
import { createHash } from 'node:crypto';

export interface Canary {
  readonly name: string;
  readonly value: string;
}

/** Of characters that JSON, addresses and shells write differently. */
export function makeCanaries(seed: number): Canary[] {
  return [1, 2, 3].map((number) => {
    const random = createHash('sha256').update(`canary ${seed} ${number}`).digest('hex');
    const value = `cnry/${random.slice(0, 12)}+"${random.slice(12, 24)}=?${number}`;
    return { name: `CHAOS_CANARY_${number}`, value };
  });
}

/** A script that says the variable in all its forms, whole and in pieces: on stderr, and on stdout or into a file. */
export function tellingScript({ name }: Pick<Canary, 'name'>, file?: string): string {
  return [
    `secret="$${name}"`,
    'tell() {',
    '  echo "plain $secret"',
    `  printf %s "$secret" | base64 -w0; echo`,
    `  printf 'user:%s' "$secret" | base64 -w0; echo`,
    `  printf 'key:%s' "$secret" | base64 -w0; echo`,
    `  printf '{"token":"%s"}\\n' "$(printf %s "$secret" | sed 's/\\\\/\\\\\\\\/g; s/"/\\\\"/g')"`,
    `  echo "GET /?key=$(printf %s "$secret" | sed 's,/,%2F,g; s/+/%2B/g; s/"/%22/g; s/=/%3D/g; s/?/%3F/g')"`,
    '  printf %s "$secret" | cut -c1-9 | tr -d "\\n"; sleep 0.1; printf "%s\\n" "$secret" | cut -c10-',
    '}',
    `tell${file === undefined ? '' : ` > ${file}`}; tell >&2`,
    'echo "Error: 401 for https://host/?token=$secret" >&2',
  ].join('\n');
}

/** Every way in which programs write the value down. */
export function formsOf(value: string): string[] {
  const plain = [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)];
  return [...new Set([...plain, ...base64Of(value)])];
}

/**
 * Texts whose presence means that the value was kept: pieces that are the same however the rest is
 * escaped, and what base64 makes of it.
 */
export function marksOf(value: string): string[] {
  return [...(value.match(/[A-Za-z0-9]{12,}/g) ?? []), ...base64Of(value)];
}

/** At each of the three places that it may have among other bytes. */
function base64Of(value: string): string[] {
  const bytes = Buffer.from(value);
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // The characters at both ends depend on what stands beside it.
    const whole = Math.floor(((before + bytes.length) * 8) / 6);
    return text.slice(before === 0 ? 0 : before + 1, whole);
  });
}

/** One line for each secret that the bytes hold in some form. */
export function secretsIn(bytes: Buffer, secrets: readonly Canary[], where: string): string[] {
  return secrets.flatMap(({ name, value }) => {
    const found = marksOf(value).find((mark) => bytes.includes(mark));
    return found === undefined ? [] : [`${where} holds ${name}`];
  });
}
