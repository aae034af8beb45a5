/** What is wrong with a plan, as much of it as anybody reads: the rest is not even worked out. */
import { ISSUE_LIMIT, issueCodes, type Issue, type IssueCode } from '@writ/contracts';

export class IssueList {
  private readonly issues: Issue[] = [];

  get found(): readonly Issue[] {
    return this.issues;
  }

  get isFull(): boolean {
    return this.issues.length >= ISSUE_LIMIT;
  }

  /** `message` is made only when there is room: it may look for the name that was meant. */
  add(code: IssueCode, path: string, message: () => string): void {
    if (this.isFull) return;
    const { severity } = issueCodes[code];
    const weight = severity === 'warning' ? { severity } : {};
    this.issues.push({ code, ...weight, message: message(), path });
  }
}
