/** What a run says in the end. A run in which too little happened, or too little worked, says nothing. */
export interface Outcome {
  readonly broken: readonly string[];
  /** How often each planned fault happened. */
  readonly faults: Readonly<Record<string, number>>;
  /** How often each kind of work was done, by what it is called. */
  readonly work?: Readonly<Record<string, number>>;
  readonly accepted: number;
  /** Came to the end that they are meant to have. */
  readonly completed: number;
}

export interface Verdict {
  readonly verdict: 'green' | 'violated' | 'invalid';
  readonly invalid: readonly string[];
}

export const exitCodes = { green: 0, violated: 1, invalid: 3 } as const;
const LEAST_COMPLETED = 0.9;

export function verdictOf({ broken, faults, work, accepted, completed }: Outcome): Verdict {
  const never = (what: string, counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .filter(([, times]) => times === 0)
      .map(([name]) => `${what} ${name} never happened; give it more minutes`);
  const invalid = [...never('the fault', faults), ...never('the work', work ?? {})];
  if (accepted === 0) invalid.push('no directive was accepted');
  else if (completed < accepted * LEAST_COMPLETED) {
    const share = `${completed} of ${accepted} directives`;
    invalid.push(`${share} came to the end that was wanted, fewer than 90 %`);
  }
  if (broken.length > 0) return { verdict: 'violated', invalid };
  return { verdict: invalid.length > 0 ? 'invalid' : 'green', invalid };
}
