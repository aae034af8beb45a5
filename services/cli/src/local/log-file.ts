/** The log of one process: lines appended, the file turned over at a size, one old file kept. */
import { appendFileSync, renameSync, statSync } from 'node:fs';

const LIMIT_BYTES = 10 * 1024 * 1024;
const TAIL_LINES = 20;

export class LogFile {
  private size: number;
  private readonly tail: string[] = [];

  constructor(private readonly path: string) {
    this.size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  line(text: string): void {
    this.tail.push(text);
    if (this.tail.length > TAIL_LINES) this.tail.shift();
    if (this.size > LIMIT_BYTES) {
      renameSync(this.path, `${this.path}.1`);
      this.size = 0;
    }
    const line = `${text}\n`;
    try {
      appendFileSync(this.path, line, { mode: 0o600 });
      this.size += Buffer.byteLength(line);
    } catch {
      // A full disk must not take the process down whose log this is; the tail still has the line.
    }
  }

  get lastLines(): string {
    return this.tail.join('\n');
  }
}
