/** The same for where nothing can be drawn again: a line for each thing that changed. */
import { type DirectiveDocument, finalStatuses, plainLine, signOf } from '@writ/contracts';

import { duration } from './style';

export class StepLines {
  private readonly steps = new Map<string, string>();
  private status = '';

  /** What is new since the last time. */
  changes(directive: DirectiveDocument): string[] {
    const steps = this.ofSteps(directive);
    const own = this.ofDirective(directive);
    // It begins before its steps and ends after them.
    return finalStatuses.includes(directive.status) ? [...steps, ...own] : [...own, ...steps];
  }

  private ofSteps(directive: DirectiveDocument): string[] {
    const lines: string[] = [];
    for (const step of directive.steps) {
      const seen = `${step.status} ${step.attempt}`;
      const before = this.steps.get(step.name);
      this.steps.set(step.name, seen);
      if (seen === before || step.status === 'pending') continue;
      const took =
        step.startedAt !== null && step.completedAt !== null
          ? ` in ${duration(Date.parse(step.completedAt) - Date.parse(step.startedAt))}`
          : '';
      const cached =
        step.runStatus === 'skipped' && step.status === 'passed' ? ' (from the cache)' : '';
      const why = step.reason === undefined ? '' : `: ${plainLine(step.reason)}`;
      const word = step.status.replaceAll('_', ' ');
      lines.push(`${signOf(step.status)} ${step.name} ${word}${took}${cached}${why}`);
    }
    return lines;
  }

  private ofDirective({ id, status, reason }: DirectiveDocument): string[] {
    if (status === this.status) return [];
    this.status = status;
    return [
      `${signOf(status)} ${id} ${status}${reason === undefined ? '' : `: ${plainLine(reason)}`}`,
    ];
  }
}
