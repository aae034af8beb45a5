/** What happened in a simulated world, in order: what a failure prints, and what has to repeat. */
import { createHash } from 'node:crypto';
import type { VirtualTime } from './virtual-time';

export class Journey {
  readonly lines: string[] = [];

  constructor(private readonly time: Pick<VirtualTime, 'nowMs'>) {}

  note(what: string): void {
    this.lines.push(`${(this.time.nowMs / 1000).toFixed(3).padStart(8)} s  ${what}`);
  }

  /** Two journeys with one digest are the same, byte for byte. */
  digest(): string {
    return createHash('sha256').update(this.lines.join('\n')).digest('hex');
  }

  /** As people read it: numbered. */
  numbered(): string[] {
    const width = String(this.lines.length).length;
    return this.lines.map((line, index) => `${String(index + 1).padStart(width)} ${line}`);
  }
}
