/** Colours and amounts, as people see them. */

const colours: Readonly<Record<string, number>> = {
  completed: 32,
  passed: 32,
  failed: 31,
  blocked: 31,
  active: 36,
  running: 36,
  evaluating: 36,
  merging: 36,
  paused: 33,
  suspended: 33,
  awaiting_approval: 33,
  stale: 33,
  skipped: 33,
  stopped: 33,
  cancelled: 33,
};

export interface Style {
  status(word: string, text: string): string;
  dim(text: string): string;
  bold(text: string): string;
}

export function styleFor(colour: boolean): Style {
  const wrap = (code: number, text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  return {
    status: (word, text) => (colours[word] === undefined ? text : wrap(colours[word], text)),
    dim: (text) => wrap(2, text),
    bold: (text) => wrap(1, text),
  };
}

/** 950 ms, 4.2 s, 3 min 05 s, 2 h 10 min */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  if (minutes < 60) return `${minutes} min ${String(rest).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** A time of the record, to the second. */
export const instant = (time: string): string => time.replace('T', ' ').slice(0, 19);

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 ** 2) return `${(count / 1024).toFixed(1)} KiB`;
  if (count < 1024 ** 3) return `${(count / 1024 ** 2).toFixed(1)} MiB`;
  return `${(count / 1024 ** 3).toFixed(1)} GiB`;
}

/** Columns that a text takes: wide characters take two, combining ones none. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text.replace(/\x1b\[[0-9;:]*m/g, '')) {
    const code = character.codePointAt(0)!;
    if (/\p{Mn}/u.test(character)) continue;
    width += isWide(code) ? 2 : 1;
  }
  return width;
}

function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}

/** Cut to so many columns; text without escape sequences only. */
export function clip(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let cut = '';
  let width = 0;
  for (const character of text) {
    const next = widthOf(character);
    if (width + next > columns - 1) break;
    cut += character;
    width += next;
  }
  return columns < 1 ? '' : `${cut}…`;
}

/** Rows as columns of equal width; the last column is not padded. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, widthOf(cell))));
  }
  return rows.map((row) =>
    row
      .map((cell, at) =>
        at === row.length - 1 ? cell : cell + ' '.repeat(widths[at]! - widthOf(cell)),
      )
      .join('  ')
      .trimEnd(),
  );
}
