/** What a run says in the end. A run in which too little happened, or too little worked, says nothing. */
export interface Outcome {
  readonly broken: readonly string[];
  /** How often each planned fault happened. */
  readonly faults: Readonly<Record<string, number>>;
  readonly accepted: number;
  readonly completed: number;
}

export interface Verdict {
  readonly verdict: 'green' | 'violated' | 'invalid';
  readonly invalid: readonly string[];
}

export const exitCodes = { green: 0, violated: 1, invalid: 3 } as const;
const LEAST_COMPLETED = 0.9;

export function verdictOf({ broken, faults, accepted, completed }: Outcome): Verdict {
  const invalid = Object.entries(faults)
    .filter(([, times]) => times === 0)
    .map(([name]) => `the fault ${name} never happened; give it more minutes`);
  if (accepted === 0) invalid.push('no directive was accepted');
  else if (completed < accepted * LEAST_COMPLETED) {
    invalid.push(`${completed} of ${accepted} directives were completed, fewer than 90 %`);
  }
  if (broken.length > 0) return { verdict: 'violated', invalid };
  return { verdict: invalid.length > 0 ? 'invalid' : 'green', invalid };
}
