/** What holds of steps that a person answers: nothing is asked of them that would not be done. */
import type { PlannedStep } from '@writ/contracts';
import type { IssueList } from './issue-list';

export function checkPeople(steps: readonly PlannedStep[], issues: IssueList): void {
  for (const [at, { name, adapter, verify, outputs, inputs }] of steps.entries()) {
    if (adapter.kind !== 'human') continue;
    const refuse = (member: string, why: string) =>
      issues.add('human_step', `/chain/steps/${at}/${member}`, () => `step "${name}" ${why}`);
    if (Array.isArray(verify) && verify.length > 0) {
      refuse('verify', 'is answered by a person; its answer is not checked, so leave "verify" out');
    }
    if (outputs.length > 0) refuse('outputs', 'makes nothing but answer.json');
    if (inputs.length > 0) refuse('inputs', 'is asked a question; nobody lays files for it');
  }
}
