/**
 * Which directives there are, by the log. Questions that come while one is under way are asked
 * together: many at once is when there is no time for each by itself.
 */
import { streamOf } from '@writ/contracts';
import type { EventLog } from '@writ/event-log';

interface Waiting {
  readonly stream: string;
  readonly resolve: (known: boolean) => void;
  readonly reject: (error: unknown) => void;
}

export class KnownDirectives {
  private waiting: Waiting[] = [];
  private asking = false;

  constructor(private readonly log: Pick<EventLog, 'lastEvents'>) {}

  has(directiveId: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ stream: streamOf.directive(directiveId), resolve, reject });
      if (!this.asking) void this.ask();
    });
  }

  private async ask(): Promise<void> {
    this.asking = true;
    while (this.waiting.length > 0) {
      const group = this.waiting;
      this.waiting = [];
      try {
        const streams = [...new Set(group.map(({ stream }) => stream))];
        const found = new Set((await this.log.lastEvents(streams)).map(({ stream }) => stream));
        for (const { stream, resolve } of group) resolve(found.has(stream));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.asking = false;
  }
}
