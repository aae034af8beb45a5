/**
 * Writes a signed checkpoint when enough has happened: at most each second, then at least a hundred
 * events lie between two; every minute when anything is new; and one at the end.
 */
import type { KeyObject } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { appendCheckpoint, readCheckpoints, signCheckpoint } from './checkpoint';
import { keyIdOf, signingKey } from './checkpoint-key';
import type { CheckpointTally } from './checkpoint-tally';
import type { EventLog } from './event-log';
import { LoopStop } from './loop-stop';

export interface CheckpointerOptions {
  readonly log: Pick<EventLog, 'head'>;
  /** JSON lines; best on another disk, or on another machine, than the database. */
  readonly file: string;
  /** The private key; made when there is none. */
  readonly keyFile: string;
  /** Where it is noted that a checkpoint has to be there. */
  readonly tally?: CheckpointTally;
  /** Told of each trouble once, however long it lasts. */
  readonly onError: (error: unknown) => void;
  /** Default 1,000. */
  readonly everyMs?: number;
  /** Default 100. */
  readonly events?: number;
  /** Default 60,000. */
  readonly atLeastEveryMs?: number;
}

export class Checkpointer {
  /** Of the last checkpoint. */
  position = 0;
  failures = 0;
  lastError: unknown;

  private readonly loop = new LoopStop();
  private readonly working: Promise<void>;
  private writtenAt = performance.now();
  /** The last one that the tally knows of. */
  private noted = 0;

  constructor(private readonly options: CheckpointerOptions) {
    mkdirSync(dirname(options.file), { recursive: true });
    const key = signingKey(options.keyFile);
    this.position = readCheckpoints(options.file).at(-1)?.position ?? 0;
    this.working = this.work(key);
  }

  async stop(): Promise<void> {
    this.loop.stop();
    await this.working;
  }

  private async work(key: KeyObject): Promise<void> {
    const { everyMs = 1_000, events = 100, atLeastEveryMs = 60_000 } = this.options;
    for (let last = false; !last;) {
      await this.loop.rest(everyMs);
      last = this.loop.stopped;
      const late = performance.now() - this.writtenAt >= atLeastEveryMs;
      await this.writeAfter(last || late ? 1 : events, key);
    }
  }

  private async writeAfter(events: number, key: KeyObject): Promise<void> {
    try {
      const head = await this.options.log.head();
      if (head.position < this.position) {
        throw new Error(`the log ends at ${head.position}, but ${this.position} was signed`);
      }
      if (head.position - this.position >= events) {
        await appendCheckpoint(this.options.file, signCheckpoint(head, key));
        this.position = head.position;
        this.writtenAt = performance.now();
      }
      await this.noteLast(key);
      this.lastError = undefined;
    } catch (error) {
      this.failures += 1;
      const before = this.lastError;
      this.lastError = error;
      if (messageOf(before) !== messageOf(error)) this.options.onError(error);
    }
  }

  private async noteLast(key: KeyObject): Promise<void> {
    if (this.noted === this.position) return;
    await this.options.tally?.note(keyIdOf(key), this.position);
    this.noted = this.position;
  }
}

const messageOf = (error: unknown): string | undefined => (error as Error | undefined)?.message;
