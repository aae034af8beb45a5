/**
 * What a run says, broadcast while it runs (`writ.log.<runId>`). Owns how much of it: pieces are
 * gathered for a moment, bounded in size and rate, and what is too much is left out; the transcript
 * has it. The text of a piece is valid UTF-8, whatever the program wrote and wherever it was cut.
 */
import { StringDecoder } from 'node:string_decoder';
import { subjects, type LogPiece } from '@writ/contracts';

type Stream = LogPiece['stream'];

const GATHER_MS = 50;
const PIECE_BYTES = 32 * 1024;
const BYTES_PER_SECOND = 256 * 1024;

interface Channel {
  decoder: StringDecoder;
  text: string;
  /** Bytes of the stream before `text`. */
  offset: number;
  /** Bytes of the stream taken so far. */
  taken: number;
}

export class LiveLog {
  private readonly channels = new Map<Stream, Channel>();
  private timer: NodeJS.Timeout | undefined;
  private allowance = BYTES_PER_SECOND;
  private filledAt = performance.now();

  constructor(
    private readonly runId: string,
    private readonly broadcast: (subject: string, bytes: Uint8Array) => void,
  ) {}

  /** Whether there is room for more at the moment. */
  hasRoom(): boolean {
    const now = performance.now();
    const more = ((now - this.filledAt) / 1000) * BYTES_PER_SECOND;
    this.allowance = Math.min(BYTES_PER_SECOND, this.allowance + more);
    this.filledAt = now;
    return this.allowance > 0;
  }

  /** Takes bytes without secrets; `offset` counts the bytes of the stream before them. */
  add(stream: Stream, offset: number, bytes: Buffer): void {
    if (bytes.length === 0 || !this.hasRoom()) return;
    this.allowance -= bytes.length;
    const channel = this.channelOf(stream, offset);
    channel.text += channel.decoder.write(bytes);
    channel.taken = offset + bytes.length;
    if (channel.text.length >= PIECE_BYTES) this.send(stream, channel);
    this.timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const [stream, channel] of this.channels) this.send(stream, channel);
  }

  private channelOf(stream: Stream, offset: number): Channel {
    const known = this.channels.get(stream);
    if (known !== undefined && known.taken === offset) return known;
    // Something was left out: what was cut there stays cut.
    if (known !== undefined) this.send(stream, known);
    const fresh = { decoder: new StringDecoder('utf8'), text: '', offset, taken: offset };
    this.channels.set(stream, fresh);
    return fresh;
  }

  private send(stream: Stream, channel: Channel): void {
    for (let at = 0; at < channel.text.length; at += PIECE_BYTES) {
      const text = wellFormed(channel.text.slice(at, at + PIECE_BYTES));
      const piece: LogPiece = { runId: this.runId, stream, text, offset: channel.offset };
      this.broadcast(subjects.log(this.runId), Buffer.from(JSON.stringify(piece)));
      channel.offset += Buffer.byteLength(text);
    }
    channel.text = '';
    channel.offset = channel.taken;
  }
}

/** Half a surrogate pair, as cutting text makes it, is no character. */
export function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
