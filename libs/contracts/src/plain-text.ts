/**
 * Text of agents, programs and repositories, made safe to show: nothing in it can move a cursor, set
 * a title, write a clipboard, hide itself or turn the reading direction. Owns what counts as text.
 */

/** OSC, DCS, SOS, PM and APC strings with their end; CSI sequences; any other escape. */
const ESCAPES = new RegExp(
  [
    '(?:\\x1b[\\]P^_X]|[\\x9d\\x90\\x9e\\x9f\\x98])[^\\x07\\x1b\\x9c]*(?:\\x07|\\x1b\\\\|\\x9c|$)?',
    '(?:\\x1b\\[|\\x9b)[0-?]*[ -/]*[@-~]?',
    '\\x1b[ -/]*[0-~]?',
  ].join('|'),
  'g',
);
/** Colours and weights only. */
const COLOUR = /^(?:\x1b\[|\x9b)[0-9;:]*m$/;
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f-\x9f]/g;
/** Bidirectional controls, zero-width characters, and the tags that hide text in text. */
const INVISIBLE = /[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]|[\u{e0000}-\u{e007f}]/gu;

export interface PlainTextOptions {
  /** Colours of programs are kept, for a terminal. */
  readonly keepColours?: boolean;
}

/** Keeps line breaks and tabs. A carriage return becomes a line break: it would overwrite. */
export function plainText(text: string, { keepColours = false }: PlainTextOptions = {}): string {
  const kept: string[] = [];
  const marked = text.replace(/\r\n?/g, '\n').replace(ESCAPES, (sequence) => {
    if (!keepColours || !COLOUR.test(sequence)) return '';
    kept.push(sequence);
    return '\0';
  });
  const visible = (part: string) =>
    part.replace(CONTROLS, '').replace(INVISIBLE, (it) => `<U+${hex(it)}>`);
  if (kept.length === 0) return visible(marked.replaceAll('\0', ''));
  // A NUL of the text itself cannot be told from a mark, so such text loses its colours.
  const parts = marked.split('\0');
  if (parts.length !== kept.length + 1) return parts.map(visible).join('');
  return parts.map((part, at) => visible(part) + (kept[at] ?? '')).join('');
}

/** One line of it, cut to a number of characters. */
export function plainLine(text: string, limit = 200): string {
  const line = plainText(text).replace(/\s+/g, ' ').trim();
  return [...line].length <= limit ? line : `${[...line].slice(0, limit - 1).join('')}…`;
}

function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}
