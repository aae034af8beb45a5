/**
 * Takes secrets out of a stream of bytes before anything of it is kept or sent: `[redacted:name]` in
 * their place.
 *
 * D1 Where the stream is cut into pieces changes nothing: what may be the beginning of a secret is
 *    held back until the next piece, or the end, decides.
 * D2 What follows a gap may begin in the middle of a secret: the end of one there goes too.
 * D3 Bytes that are no secret come out as they went in, text or not.
 */
import type { Needle } from './secrets';

interface Pattern {
  readonly name: string;
  readonly find: RegExp;
  /** How it begins; a piece that ends with a part of this is held back. */
  readonly marks: readonly string[];
}

/** Kinds of secrets known by their form. All but keys in PEM are one word. */
const PATTERNS: readonly Pattern[] = [
  {
    name: 'aws-key',
    find: /(?<![A-Za-z0-9])(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{16}(?![A-Za-z0-9])/g,
    marks: ['AKIA', 'ASIA', 'AIDA', 'AROA'],
  },
  {
    name: 'github-token',
    find: /(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})/g,
    marks: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_'],
  },
  {
    name: 'anthropic-key',
    find: /(?<![A-Za-z0-9])sk-ant-[A-Za-z0-9_-]{20,}/g,
    marks: ['sk-ant-'],
  },
  {
    name: 'openai-key',
    find: /(?<![A-Za-z0-9])sk-(?=[A-Za-z_-]{0,100}[0-9])[A-Za-z0-9_-]{20,}/g,
    marks: ['sk-'],
  },
  {
    name: 'jwt',
    find: /eyJ[A-Za-z0-9_-]{8,2048}\.eyJ[A-Za-z0-9_-]{8,8192}\.[A-Za-z0-9_-]{8,}/g,
    marks: ['eyJ'],
  },
];
const MARKS = PATTERNS.flatMap(({ marks }) => marks);
const WORD_CHARACTER = /[A-Za-z0-9_.-]/;
const WORD_START = /^[A-Za-z0-9_.-]+/;
/** Longer words are no tokens. */
const LONGEST_WORD = 8192;

const PEM_BEGIN = '-----BEGIN ';
const PEM =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g;
const PEM_OPEN =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?![\s\S]*-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----)/;
const PEM_END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----/;
const LONGEST_PEM = 65_536;
/** No end mark is longer. */
const PEM_MARK = 64;

export interface RedactorOptions {
  readonly needles: readonly Needle[];
  /** Also what only looks like a secret. Not for files, whose bytes have to stay what they are. */
  readonly patterns: boolean;
  readonly redacted?: (count: number) => void;
}

export class Redactor {
  private held = '';
  private insidePem = false;
  private afterGap = false;

  constructor(private readonly options: RedactorOptions) {}

  /** Takes the next bytes; returns those that are safe by now. */
  push(piece: Uint8Array): Buffer {
    let text =
      this.held + Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('latin1');
    this.held = '';
    if (this.afterGap) {
      text = this.withoutStart(text); // D2
      this.afterGap = false;
    }
    if (this.insidePem) {
      const end = PEM_END.exec(text);
      // The end mark itself may be cut in two.
      this.held = end === null ? text.slice(-PEM_MARK) : '';
      if (end === null) return Buffer.alloc(0);
      this.insidePem = false;
      text = text.slice(end.index + end[0].length);
    }
    const cut = this.notInside(text, this.safeLength(text));
    this.held = text.slice(cut);
    return Buffer.from(this.clean(text.slice(0, cut)), 'latin1');
  }

  /** The end: what was held back, cleaned. */
  flush(): Buffer {
    const rest = this.insidePem ? '' : this.held;
    this.held = '';
    this.insidePem = false;
    return Buffer.from(this.clean(rest), 'latin1');
  }

  /** Bytes are left out here. What is held back may begin a secret, and is left out with them. */
  gap(): void {
    this.held = '';
    this.insidePem = false;
    this.afterGap = true;
  }

  private clean(text: string): string {
    let cleaned = text;
    for (const { name, text: secret } of this.options.needles) {
      if (!cleaned.includes(secret)) continue;
      const parts = cleaned.split(secret);
      this.options.redacted?.(parts.length - 1);
      cleaned = parts.join(`[redacted:${name}]`);
    }
    if (!this.options.patterns) return cleaned;
    if (cleaned.includes(PEM_BEGIN)) {
      cleaned = cleaned.replace(PEM, () => this.mark('private-key'));
    }
    for (const { name, find, marks } of PATTERNS) {
      if (!marks.some((mark) => cleaned.includes(mark))) continue;
      cleaned = cleaned.replace(find, () => this.mark(name));
    }
    return cleaned;
  }

  private mark(name: string): string {
    this.options.redacted?.(1);
    return `[redacted:${name}]`;
  }

  /** How much of the text can go out: up to where a secret may have begun (D1). */
  private safeLength(text: string): number {
    let safe = text.length;
    for (const { text: secret } of this.options.needles)
      safe = Math.min(safe, unfinished(text, secret));
    if (!this.options.patterns) return safe;
    const key = PEM_OPEN.exec(text);
    if (key !== null) {
      if (text.length - key.index < LONGEST_PEM) return Math.min(safe, key.index);
      this.insidePem = true; // `clean` cuts to the end of the text; the rest is dropped
      return text.length;
    }
    safe = Math.min(safe, unfinished(text, PEM_BEGIN), unfinishedPemLine(text));
    const word = lastWord(text);
    const begun = MARKS.some((mark) => word.includes(mark) || unfinished(word, mark) < word.length);
    return begun ? Math.min(safe, text.length - word.length) : safe;
  }

  /** A cut through a whole secret, whose end may begin another, moves to before it. */
  private notInside(text: string, cut: number): number {
    if (cut === text.length) return cut;
    let at = cut;
    for (const { text: secret } of this.options.needles) {
      const found = text.indexOf(secret, Math.max(0, at - secret.length + 1));
      if (found !== -1 && found < at) at = found;
    }
    const key = this.options.patterns ? text.lastIndexOf(PEM_BEGIN, at) : -1;
    if (key !== -1 && key < at) {
      const end = PEM_END.exec(text.slice(key));
      if (end !== null && key + end.index + end[0].length > at) at = key;
    }
    return at === cut ? at : this.notInside(text, at);
  }

  private withoutStart(text: string): string {
    let from = 0;
    for (const { text: secret } of this.options.needles)
      from = Math.max(from, remainder(text, secret));
    if (this.options.patterns) {
      const end = PEM_END.exec(text);
      const begin = text.indexOf(PEM_BEGIN);
      if (end !== null && (begin === -1 || begin > end.index)) from = end.index + end[0].length;
      from = Math.max(from, WORD_START.exec(text.slice(0, LONGEST_WORD))?.[0].length ?? 0);
    }
    return text.slice(from);
  }
}

/** Everything in one go, for short texts: messages, names, the last lines. */
export function redactText(text: string, options: RedactorOptions): string {
  const redactor = new Redactor(options);
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([redactor.push(bytes), redactor.flush()]).toString('utf8');
}

/** The name of a secret that these bytes hold. */
export function secretIn(bytes: Uint8Array, needles: readonly Needle[]): string | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return needles.find((needle) => text.includes(Buffer.from(needle.text, 'latin1')))?.name;
}

/** Where the longest end of `text` begins that is a beginning of `word`; its length if none. */
function unfinished(text: string, word: string): number {
  const first = word[0] ?? '';
  let at = text.indexOf(first, Math.max(0, text.length - word.length + 1));
  while (at !== -1) {
    if (word.startsWith(text.slice(at))) return at;
    at = text.indexOf(first, at + 1);
  }
  return text.length;
}

/** The word that the text ends with, `''` when it is too long for a token. */
function lastWord(text: string): string {
  // From the end, character by character: a regular expression would try every start.
  let at = text.length;
  while (at > 0 && WORD_CHARACTER.test(text[at - 1] ?? '')) {
    at -= 1;
    if (text.length - at >= LONGEST_WORD) return '';
  }
  return text.slice(at);
}

/** The first line of a key in PEM that is not complete yet. */
function unfinishedPemLine(text: string): number {
  const at = text.lastIndexOf(PEM_BEGIN);
  if (at === -1) return text.length;
  return /^-----BEGIN [A-Z0-9 ]*-{0,5}$/.test(text.slice(at, at + 100)) ? at : text.length;
}

/** How long the beginning of `text` is that is an end of `word`. */
function remainder(text: string, word: string): number {
  for (let length = Math.min(word.length - 1, text.length); length >= 4; length -= 1) {
    if (text.startsWith(word.slice(-length))) return length;
  }
  return 0;
}
