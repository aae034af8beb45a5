/** What is wrong with a plan, as much of it as anybody reads: the rest is not even worked out. */
import { ISSUE_LIMIT, type Issue } from '@writ/contracts';

export class IssueList {
  private readonly issues: Issue[] = [];

  get found(): readonly Issue[] {
    return this.issues;
  }

  /** `message` is made only when there is room: it may look for the name that was meant. */
  add(code: string, path: string, message: () => string): void {
    if (this.issues.length < ISSUE_LIMIT) this.issues.push({ code, message: message(), path });
  }
}
