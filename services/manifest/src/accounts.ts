/**
 * The accounts of the directives that something happens to now. Owns which are in memory: an account
 * that is not is folded from the log, so that forgetting one costs a read and nothing else.
 */
import type { RecordedEvent } from '@writ/contracts';
import { accountOf, type Due, ManifestAccount } from '@writ/domain';
import type { EventLog } from '@writ/event-log';

/** Directives under way at a time; each is as large as its chain. Beyond it accounts come and go. */
const CAPACITY = 5_000;
const PAGE = 1_000;

export class Accounts {
  private readonly byDirective = new Map<string, ManifestAccount>();

  constructor(private readonly log: Pick<EventLog, 'readAll'>) {}

  /**
   * Takes the next event of the log; returns which manifests are due with it. Whoever leaves out an
   * event calls `forget` first.
   */
  async take(event: RecordedEvent): Promise<Due[]> {
    const directiveId = accountOf(event);
    if (directiveId === undefined) return [];
    const account = this.byDirective.get(directiveId) ?? (await this.load(directiveId, event));
    const due = account.take(event);
    this.byDirective.delete(directiveId); // a Map keeps the order of insertion: now the newest
    if (!account.isSettled) this.byDirective.set(directiveId, account);
    this.makeRoom();
    return due;
  }

  forget(): void {
    this.byDirective.clear();
  }

  /** As it was right before the event. */
  private async load(directiveId: string, next: RecordedEvent): Promise<ManifestAccount> {
    const account = new ManifestAccount();
    if (next.type === 'DirectiveCreated') return account;
    const streamPrefixes = [
      `directive-${directiveId}`,
      `run-${directiveId}-`,
      `evaluation-${directiveId}-`,
    ];
    for (;;) {
      const after = account.position;
      const events = await this.log.readAll({ after, limit: PAGE, streamPrefixes });
      for (const event of events) {
        if (event.position >= next.position) return account;
        account.take(event);
      }
      if (events.length < PAGE) return account;
    }
  }

  private makeRoom(): void {
    if (this.byDirective.size <= CAPACITY) return;
    const [oldest] = this.byDirective.keys();
    if (oldest !== undefined) this.byDirective.delete(oldest);
  }
}
