/**
 * Keeps the stdout of a program for a file in its workspace: all of it, known secrets taken out,
 * other bytes as they are. It is laid there after the program has ended.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { Redactor, type RedactorOptions } from '../redaction/redactor';

export class StdoutFile {
  bytes = 0;
  private readonly redactor: Redactor;

  private constructor(
    private readonly file: FileHandle,
    private readonly maxBytes: number,
    redaction: RedactorOptions,
  ) {
    this.redactor = new Redactor({ ...redaction, patterns: false });
  }

  static async create(
    path: string,
    maxBytes: number,
    redaction: RedactorOptions,
  ): Promise<StdoutFile> {
    return new StdoutFile(await open(path, 'w+', 0o600), maxBytes, redaction);
  }

  /** Beyond the limit it is only counted. */
  async take(piece: Buffer): Promise<void> {
    this.bytes += piece.length;
    if (!this.isTooLarge) await this.file.writeFile(this.redactor.push(piece));
  }

  get isTooLarge(): boolean {
    return this.bytes > this.maxBytes;
  }

  /** From the beginning. */
  async *read(): AsyncGenerator<Uint8Array, void> {
    await this.file.writeFile(this.redactor.flush());
    for (let at = 0; ;) {
      const buffer = Buffer.allocUnsafe(65_536);
      const { bytesRead } = await this.file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
