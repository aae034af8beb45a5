/**
 * The transcript of a program: what was run, the beginning and the end of what it said, how it ended;
 * a text for people, without secrets, bounded whatever the program writes. Lines of ours begin with
 * `[writ]`. Owns what is kept:
 *
 * T1 The first `headBytes` of the output are written down as they come, both streams as they mix.
 * T2 Of the rest the last `tailBytes` are kept; between them stands how much is missing.
 * T3 Every byte is counted. Secrets are taken out before anything is written or broadcast.
 */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { Redactor, redactText, type RedactorOptions } from '../redaction/redactor';
import { wellFormed, type LiveLog } from './live-log';

export type OutputStream = 'stdout' | 'stderr';

export interface TranscriptOptions {
  /** Written here, and ended when the transcript is closed. */
  readonly to: Writable;
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
  private readonly to: Writable;
  private head: number;
  private tail: Kept[] = [];
  private tailSize = 0;
  private channels = this.freshChannels();
  private atLineStart = true;
  private said = false;

  constructor(private readonly options: TranscriptOptions) {
    this.head = options.headBytes ?? 2 * 1024 * 1024;
    this.to = options.to;
    this.to.on('error', () => undefined); // shows in `close`
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

  /** A line of our own. */
  note(text: string): void {
    const line = redactText(text.replace(/\s+/g, ' '), this.options.redaction);
    this.write(`${this.atLineStart ? '' : '\n'}[writ] ${line}\n`);
  }

  /** True when any byte came in any try. */
  get hasOutput(): boolean {
    return this.said;
  }

  /** Everything is written. Throws when it was not taken, by a full disk say. */
  async close(): Promise<void> {
    if (this.to.errored) throw this.to.errored;
    this.to.end();
    if (!this.to.closed) await once(this.to, 'close');
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
    while (this.tailSize > most) {
      const first = this.tail.shift();
      if (first === undefined) break;
      const { stream, bytes } = first;
      const dropped = Math.min(bytes.length, this.tailSize - most);
      this.tailSize -= dropped;
      this.channels[stream].omitted += dropped;
      // A piece is as large as a pipe gives it: the one that is cut into is kept in part.
      if (dropped < bytes.length) this.tail.unshift({ stream, bytes: bytes.subarray(dropped) });
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
    if (!this.to.errored) this.to.write(text);
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
