/**
 * Which texts are secret: the values of known variables in every form in which programs write them
 * down (as they are, base64 at each of its three offsets, URL- and JSON-escaped). Owns the forms;
 * finding them is in `redactor.ts`.
 */

export interface Secret {
  readonly name: string;
  readonly value: string;
}

/** A form of a secret. Texts hold one character for each byte, as latin1 reads them. */
export interface Needle {
  readonly name: string;
  readonly text: string;
}

/** By its name: of a variable of whose value nobody has said that it is a secret. */
export const looksLikeSecret = (name: string): boolean =>
  /(TOKEN|SECRET|PASS(WORD|WD|PHRASE)?|CREDENTIALS?|_?KEY|AUTH)(_|$)/i.test(name);

/** Shorter values would blot out ordinary words. */
export const SHORTEST_SECRET = 8;

export function needlesOf(secrets: readonly Secret[]): Needle[] {
  const needles = new Map<string, Needle>();
  for (const { name, value } of secrets) {
    if (value.length < SHORTEST_SECRET) continue;
    for (const form of formsOf(value)) {
      const text = Buffer.from(form, 'utf8').toString('latin1');
      if (text.length >= SHORTEST_SECRET) needles.set(text, { name, text });
    }
  }
  // The longest first: a form may be a part of another.
  return [...needles.values()].sort((a, b) => b.text.length - a.text.length);
}

function formsOf(value: string): string[] {
  const forms = [value, JSON.stringify(value).slice(1, -1), value.replace(/\//g, '\\/')];
  const escaped = encodeForUrl(value);
  forms.push(escaped, escaped.replace(/%20/g, '+'));
  forms.push(escaped.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()));
  // A tool that escapes everything but letters and digits.
  forms.push(escaped.replace(/[!'()*._~-]/g, (c) => `%${c.charCodeAt(0).toString(16)}`));
  for (let offset = 0; offset < 3; offset += 1) forms.push(...base64At(value, offset));
  return forms;
}

function encodeForUrl(value: string): string {
  try {
    return encodeURIComponent(value);
  } catch {
    return value; // a lone surrogate has no such form
  }
}

/** The characters of base64 that the value alone decides when so many bytes come before it. */
function base64At(value: string, offset: number): string[] {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(value, 'utf8')]);
  const first = Math.ceil((offset * 8) / 6);
  const last = Math.floor((bytes.length * 8) / 6);
  const standard = bytes.toString('base64').slice(first, last);
  return [standard, standard.replace(/\+/g, '-').replace(/\//g, '_')];
}

/**
 * The secrets of this process: variables that configuration names, and the credentials inside of
 * addresses. `address` values are URLs whose password counts, not the whole.
 */
export function knownSecrets(
  env: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
  addresses: readonly string[],
): Secret[] {
  const secrets = names.flatMap((name) => {
    const value = env[name];
    return value === undefined || value === '' ? [] : [{ name, value }];
  });
  for (const name of addresses) {
    const value = env[name];
    if (value === undefined || !URL.canParse(value)) continue;
    const { password, username, pathname } = new URL(value);
    const plain = decode(password);
    // A password that is no secret (the name of the role or the database) would only blot out words.
    if (plain === '' || plain === username || plain === pathname.slice(1)) continue;
    secrets.push({ name: `${name} password`, value: plain });
  }
  return secrets;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
