/**
 * Hears the subjects of schedules, in every planner: of those who listen under one name one gets each
 * message. Owns which are heard; what becomes of a message is `hear-message.ts`'s.
 */
import type { Schedule } from '@writ/domain';
import type { Bus, Overheard, Subscription } from '@writ/messaging';
import type { Logger } from '@writ/observability';

export type HearMessage = (scheduleId: string, message: Overheard) => Promise<void>;

interface Hearing {
  readonly where: string;
  readonly subscription?: Subscription;
}

export class HeardSubjects {
  private readonly hearings = new Map<string, Hearing>();
  private readonly underWay = new Map<string, Promise<void>>();
  private closed = false;

  constructor(
    private readonly bus: Pick<Bus, 'overhear' | 'forget'>,
    private readonly logger: Logger,
    private readonly hear: HearMessage,
  ) {}

  ids(): string[] {
    return [...this.hearings.keys()];
  }

  hears(scheduleId: string): boolean {
    return this.hearings.get(scheduleId)?.subscription !== undefined;
  }

  /** Where a schedule is heard by this process, or why not; null when it has no subject. */
  whereOf(scheduleId: string): string | null {
    return this.hearings.get(scheduleId)?.where ?? null;
  }

  /** As the schedule is now. Never rejects: what cannot be heard is tried again by the next call. */
  async setRight(schedule: Schedule): Promise<void> {
    const { id, spec } = schedule;
    if (spec.trigger.kind !== 'subject') return;
    const before = this.underWay.get(id) ?? Promise.resolve();
    const work = before.then(() => this.change(schedule));
    this.underWay.set(id, work);
    await work;
    if (this.underWay.get(id) === work) this.underWay.delete(id);
  }

  async close(): Promise<void> {
    this.closed = true;
    const hearings = [...this.hearings.values()];
    await Promise.all(hearings.map((it) => it.subscription?.close() ?? Promise.resolve()));
    this.hearings.clear();
  }

  private async change({ id, status, spec }: Schedule): Promise<void> {
    const { trigger } = spec;
    if (trigger.kind !== 'subject') return;
    const { subject, stream } = trigger;
    const foreign = { subject, name: `writ-schedule-${id}` };
    const present = this.hearings.get(id);
    const where = stream === undefined ? 'core NATS' : `the stream ${stream}`;
    try {
      if (status === 'removed') {
        await present?.subscription?.close();
        this.hearings.delete(id);
        if (stream !== undefined) await this.bus.forget({ stream, name: foreign.name });
        return;
      }
      if (present?.subscription !== undefined || this.closed) return;
      const all = stream === undefined ? foreign : { ...foreign, stream };
      const subscription = await this.bus.overhear(all, (message) => this.hear(id, message));
      this.hearings.set(id, { where, subscription });
    } catch (error) {
      const why = (error as Error).message;
      this.logger.warn({ scheduleId: id, subject, stream, err: error }, 'a subject is not heard');
      if (status !== 'removed') this.hearings.set(id, { where: `not heard on ${where}: ${why}` });
    }
  }
}
