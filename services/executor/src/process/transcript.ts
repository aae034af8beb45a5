/**
 * The transcript of a run: what was run, the beginning and the end of what it said, how it ended; a
 * text for people, without secrets, bounded in memory and on disk whatever the program writes. Lines
 * of the executor begin with `[writ]`. Owns what is kept:
 *
 * T1 The first `headBytes` of the output are written down as they come, both streams as they mix.
 * T2 Of the rest the last `tailBytes` are kept; between them stands how much is missing.
 * T3 Every byte is counted. Secrets are taken out before anything is written or broadcast.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { StringDecoder } from 'node:string_decoder';
import { Redactor, redactText, type RedactorOptions } from '../redaction/redactor';
import { wellFormed, type LiveLog } from './live-log';

export type OutputStream = 'stdout' | 'stderr';

export interface TranscriptOptions {
  /** Written here. */
  readonly file: string;
  readonly redaction: RedactorOptions;
  readonly live?: LiveLog;
  readonly headBytes?: number;
  readonly tailBytes?: number;
}

export interface Said {
  /** All bytes that came, kept or not. */
  readonly bytes: Readonly<Record<OutputStream, number>>;
  /** The last of it, for people. */
  readonly last: Readonly<Record<OutputStream, string>>;
}

interface Kept {
  readonly stream: OutputStream;
  readonly bytes: Buffer;
}

/** One stream of one try, on its way to text. */
interface Channel {
  redactor: Redactor;
  decoder: StringDecoder;
  bytes: number;
  omitted: number;
  /** Bytes without secrets so far: places of live pieces. */
  clean: number;
  last: string;
}

const LAST_CHARACTERS = 4096;
const STREAMS: readonly OutputStream[] = ['stdout', 'stderr'];

export class Transcript {
  private readonly file: WriteStream;
  private head: number;
  private tail: Kept[] = [];
  private tailSize = 0;
  private channels = this.freshChannels();
  private atLineStart = true;
  private said = false;

  constructor(private readonly options: TranscriptOptions) {
    this.head = options.headBytes ?? 2 * 1024 * 1024;
    this.file = createWriteStream(options.file, { mode: 0o600 });
    this.file.on('error', () => undefined); // shows in `close`
  }

  /** A try begins. */
  begin(about: string): void {
    this.channels = this.freshChannels();
    this.note(about);
  }

  take(stream: OutputStream, piece: Buffer): void {
    const channel = this.channels[stream];
    this.said ||= piece.length > 0;
    const offset = channel.bytes;
    channel.bytes += piece.length;
    if (this.head > 0) {
      this.head -= piece.length;
      this.emit(stream, channel.redactor.push(piece)); // T1
      return;
    }
    this.keepInTail({ stream, bytes: piece });
    if (this.options.live?.hasRoom() !== true) return;
    // A piece of a flood is cleaned alone, as if something were missing before and after it.
    const { needles, patterns } = this.options.redaction;
    const redactor = new Redactor({ needles, patterns });
    redactor.gap();
    this.options.live.add(stream, offset, redactor.push(piece));
  }

  /** The output of the try has ended. */
  end(): Said {
    this.writeTail();
    this.options.live?.flush();
    const { stdout, stderr } = this.channels;
    return {
      bytes: { stdout: stdout.bytes, stderr: stderr.bytes },
      last: { stdout: stdout.last, stderr: stderr.last },
    };
  }

  /** A line of the executor's own. */
  note(text: string): void {
    const line = redactText(text.replace(/\s+/g, ' '), this.options.redaction);
    this.write(`${this.atLineStart ? '' : '\n'}[writ] ${line}\n`);
  }

  /** True when any byte came in any try. */
  get hasOutput(): boolean {
    return this.said;
  }

  /** Everything is in the file. Throws when the disk did not take it. */
  async close(): Promise<void> {
    if (this.file.errored) throw this.file.errored;
    this.file.end();
    if (!this.file.closed) await once(this.file, 'close');
  }

  private emit(stream: OutputStream, clean: Buffer): void {
    const channel = this.channels[stream];
    this.options.live?.add(stream, channel.clean, clean);
    this.record(stream, clean);
  }

  private record(stream: OutputStream, clean: Buffer): void {
    const channel = this.channels[stream];
    channel.clean += clean.length;
    this.recordText(channel, channel.decoder.write(clean));
  }

  private recordText(channel: Channel, text: string): void {
    this.write(text);
    channel.last = wellFormed((channel.last + text).slice(-LAST_CHARACTERS));
  }

  /** T2 */
  private keepInTail(kept: Kept): void {
    this.tail.push(kept);
    this.tailSize += kept.bytes.length;
    const most = this.options.tailBytes ?? 1024 * 1024;
    while (this.tailSize > most && this.tail.length > 1) {
      const dropped = this.tail.shift();
      if (dropped === undefined) break;
      this.tailSize -= dropped.bytes.length;
      this.channels[dropped.stream].omitted += dropped.bytes.length;
    }
  }

  private writeTail(): void {
    const { stdout, stderr } = this.channels;
    for (const channel of [stdout, stderr]) {
      if (channel.omitted === 0) continue;
      channel.redactor.gap();
      channel.decoder = new StringDecoder('utf8');
      channel.last = '';
    }
    if (stdout.omitted + stderr.omitted > 0) {
      this.note(
        `${stdout.omitted} bytes of stdout and ${stderr.omitted} of stderr are left out here`,
      );
    }
    const live = this.tail.length === 0;
    for (const { stream, bytes } of this.tail) {
      this.record(stream, this.channels[stream].redactor.push(bytes));
    }
    this.tail = [];
    this.tailSize = 0;
    for (const stream of STREAMS) {
      const channel = this.channels[stream];
      const rest = channel.redactor.flush();
      if (live) this.emit(stream, rest);
      else this.record(stream, rest);
      this.recordText(channel, channel.decoder.end());
    }
  }

  private write(text: string): void {
    if (text === '') return;
    this.atLineStart = text.endsWith('\n');
    if (!this.file.errored) this.file.write(text);
  }

  private freshChannels(): Record<OutputStream, Channel> {
    const fresh = (): Channel => ({
      redactor: new Redactor(this.options.redaction),
      decoder: new StringDecoder('utf8'),
      bytes: 0,
      omitted: 0,
      clean: 0,
      last: '',
    });
    return { stdout: fresh(), stderr: fresh() };
  }
}
