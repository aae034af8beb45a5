/** Draws some lines again and again in the same place of a terminal. */
export class LiveScreen {
  private drawn = 0;
  private last = '';

  constructor(private readonly stream: NodeJS.WriteStream) {
    stream.write('\x1b[?25l'); // the cursor would jump about
  }

  draw(lines: readonly string[]): void {
    const text = lines.map((line) => `\x1b[2K${line}\n`).join('');
    if (text === this.last) return;
    // A typed ^C may stand where the cursor is.
    const up = this.drawn === 0 ? '\r' : `\r\x1b[${this.drawn}A`;
    // What is left of a longer drawing is erased below.
    this.stream.write(`${up}${text}\x1b[0J`);
    this.drawn = lines.length;
    this.last = text;
  }

  /** Leaves the last drawing and gives the cursor back. */
  close(): void {
    this.stream.write('\x1b[?25h');
  }
}
