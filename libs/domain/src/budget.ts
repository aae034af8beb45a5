/**
 * The ledger of a directive: what its attempts may spend, and what they have spent. Owns what is
 * reserved for an attempt, what an event changes in the ledger, and what fits within the limits;
 * when a step starts is decided in `directive-advance.ts`, what is said of marks in `budget-limits.ts`.
 *
 * B1 What an attempt may spend is reserved in the event that starts it, before it can spend anything.
 * B2 Spent plus reserved is within every limit whenever an attempt starts: if each stays within its
 *    reservation, the directive stays within its limits, in whatever order they end.
 * B3 What a run has used counts once, as soon as its end is heard of, whatever becomes of its step:
 *    cancelled and superseded runs have cost money too. With its end nothing is reserved for it any
 *    more.
 */
import type {
  DirectiveEvent,
  LedgerEntry,
  Limits,
  PlannedStep,
  RunEnded,
  StepBudget,
  Usage,
} from '@writ/contracts';

export type Currency = 'cost' | 'tokens';

export interface Amount {
  readonly costUsd: number;
  readonly tokens: number;
}

/** Of an attempt under way. */
export interface OpenEntry extends LedgerEntry {
  /** As its event said: what it does not name has no limit. */
  readonly allowed: StepBudget;
}

export interface Ledger {
  readonly spent: Amount;
  readonly reserved: Amount;
  /** For whom something is reserved. */
  readonly open: readonly OpenEntry[];
  /** Runs that ended, in that order; those for which nothing was reserved or spent are left out. */
  readonly settled: readonly LedgerEntry[];
  /** Of each limit the highest mark that was said; 0 for none. */
  readonly marks: { readonly [C in Currency]: number };
}

const nothing: Amount = { costUsd: 0, tokens: 0 };
export const emptyLedger: Ledger = {
  ...{ spent: nothing, reserved: nothing, open: [], settled: [] },
  marks: { cost: 0, tokens: 0 },
};

/** Of a limit, for an attempt that can cost something and does not say how much. */
export const USUAL_SHARE = 0.1;

/** Percents of a limit at which it is said how much is spent. */
export const MARKS = [50, 80, 95] as const;

/** Those that say what they have used; of the others a step that has a `budget` can cost as well. */
const costly: readonly string[] = ['worker', 'prompt', 'agent'];

export const canCost = ({ adapter, budget }: PlannedStep): boolean =>
  budget !== undefined || costly.includes(adapter.kind);

export const limitOf = (limits: Limits, of: Currency): number | undefined =>
  of === 'cost' ? limits.maxTotalCostUsd : limits.maxTotalTokens;

export const amountOf = (amount: Amount, of: Currency): number =>
  of === 'cost' ? amount.costUsd : amount.tokens;

/** Sums of dollars are kept to the billionth, or 0.1 + 0.2 would be more than 0.3. */
export const exact = (usd: number): number => Math.round(usd * 1e9) / 1e9;

const sum = (one: Amount, other: Amount, sign: 1 | -1 = 1): Amount => ({
  costUsd: exact(one.costUsd + sign * other.costUsd),
  tokens: one.tokens + sign * other.tokens,
});

const filled = ({ costUsd = 0, tokens = 0 }: StepBudget = {}): Amount => ({ costUsd, tokens });

const usedBy = (usage: Usage | undefined): Amount =>
  usage === undefined
    ? nothing
    : { costUsd: exact(usage.costUsd), tokens: usage.inputTokens + usage.outputTokens };

/** B3: what the run has used, unless that is known; one from the cache was paid for before. */
export function newUsage({ settled: known }: Ledger, ended: RunEnded): Usage | undefined {
  const { runId, usage, source } = ended;
  if (usage === undefined || source !== undefined) return undefined;
  if (usage.costUsd === 0 && usage.inputTokens + usage.outputTokens === 0) return undefined;
  const isKnown = known.some(
    (it) => it.runId === runId && it.spent !== null && !isNothing(it.spent),
  );
  return isKnown ? undefined : usage;
}

const isNothing = ({ costUsd, tokens }: Amount) => costUsd === 0 && tokens === 0;

/** B1: for one attempt, of what is limited, by the directive or by the step; undefined: it is free. */
export function reservationOf(
  spec: PlannedStep,
  { maxTotalCostUsd, maxTotalTokens }: Limits,
): StepBudget | undefined {
  if (!canCost(spec)) return undefined;
  const { budget } = spec;
  // A limit of nothing lets nothing start that can cost.
  const costUsd = budget?.costUsd ?? shareOf(maxTotalCostUsd, (share) => exact(share) || 1e-9);
  const tokens = budget?.tokens ?? shareOf(maxTotalTokens, (share) => Math.ceil(share) || 1);
  if (costUsd === undefined && tokens === undefined) return undefined;
  return { ...(costUsd !== undefined && { costUsd }), ...(tokens !== undefined && { tokens }) };
}

const shareOf = (limit: number | undefined, round: (share: number) => number) =>
  limit === undefined ? undefined : round(limit * USUAL_SHARE);

/** B2: whether an attempt may start for which so much would be reserved. */
export function fits(
  { spent, reserved }: Ledger,
  limits: Limits,
  reservation: StepBudget | undefined,
): boolean {
  if (reservation === undefined) return true;
  const then = sum(sum(spent, reserved), filled(reservation));
  return !exceeds(then, limits);
}

const exceeds = ({ costUsd, tokens }: Amount, limits: Limits): boolean =>
  costUsd > (limits.maxTotalCostUsd ?? Infinity) || tokens > (limits.maxTotalTokens ?? Infinity);

export const isOverspent = ({ spent }: Ledger, limits: Limits): boolean => exceeds(spent, limits);

/** What its attempt is told that it may use. */
export const reservedFor = ({ open }: Ledger, runId: string): StepBudget | undefined =>
  entryOf(open, runId)?.allowed;

/** The highest mark that so much of the limit has come to; 0 for none. */
export function markOf(spent: number, limit: number | undefined): number {
  if (limit === undefined || spent === 0) return 0;
  return MARKS.findLast((percent) => spent * 100 >= limit * percent) ?? 0;
}

/** What the event changes in it; `limits` are those after the event. */
export function ledgerAfter(ledger: Ledger, event: DirectiveEvent, limits: Limits): Ledger {
  switch (event.type) {
    case 'StepStarted':
      return opened(ledger, event.data);
    case 'BudgetSettled':
      return settled(ledger, event.data, usedBy(event.data.usage));
    case 'StepEvaluating':
    case 'StepMerging':
    case 'StepPassed':
    case 'StepFailed':
    case 'StepBlocked':
    case 'StepReworkRequested':
    case 'StepPostponed':
    case 'ApprovalRequested':
      return released(ledger, event.data.run?.runId);
    case 'RunOrphaned':
      return released(ledger, event.data.runId);
    case 'BudgetMarked': {
      const { of, percent } = event.data;
      return { ...ledger, marks: { ...ledger.marks, [of]: percent } };
    }
    case 'LimitsRaised':
    case 'DirectiveAmended':
      return { ...ledger, marks: loweredMarks(ledger, limits) };
    case 'DirectiveStopped':
    case 'DirectiveFailed':
    case 'DirectiveCompleted':
      return ledger.open.map(({ runId }) => runId).reduce(released, ledger);
    default:
      return ledger;
  }
}

type About = Pick<LedgerEntry, 'step' | 'attempt' | 'runId'>;

function opened(
  ledger: Ledger,
  { step, attempt, runId, reserved }: About & { readonly reserved?: StepBudget },
): Ledger {
  if (reserved === undefined) return ledger;
  const entry = {
    step,
    attempt,
    runId,
    reserved: filled(reserved),
    spent: null,
    allowed: reserved,
  };
  return {
    ...ledger,
    open: [...ledger.open, entry],
    reserved: sum(ledger.reserved, entry.reserved),
  };
}

/** B3 */
function settled(ledger: Ledger, { step, attempt, runId }: About, spent: Amount): Ledger {
  const { open, reserved, settled: before } = ledger;
  const opening = entryOf(open, runId) ?? entryOf(before, runId);
  const entry = { step, attempt, runId, reserved: opening?.reserved ?? nothing, spent };
  const others = opening === undefined ? before : without(before, runId);
  const freed = entryOf(open, runId)?.reserved ?? nothing;
  return {
    ...ledger,
    open: without(open, runId),
    reserved: sum(reserved, freed, -1),
    spent: sum(ledger.spent, spent),
    settled: [...others, entry],
  };
}

/** It has ended and used nothing; or its directive has, and what it uses until it ends counts later. */
function released(ledger: Ledger, runId: string | undefined): Ledger {
  const entry = runId === undefined ? undefined : entryOf(ledger.open, runId);
  if (runId === undefined || entry === undefined) return ledger;
  const { step, attempt } = entry;
  return {
    ...ledger,
    open: without(ledger.open, runId),
    reserved: sum(ledger.reserved, entry.reserved, -1),
    settled: [
      ...ledger.settled,
      { step, attempt, runId, reserved: entry.reserved, spent: nothing },
    ],
  };
}

const entryOf = <E extends LedgerEntry>(entries: readonly E[], runId: string): E | undefined =>
  entries.find((entry) => entry.runId === runId);

const without = <E extends LedgerEntry>(entries: readonly E[], runId: string): readonly E[] =>
  entries.filter((entry) => entry.runId !== runId);

/** Under a higher limit a mark can be reached again. */
function loweredMarks({ marks, spent }: Ledger, limits: Limits): Ledger['marks'] {
  const lowered = (of: Currency) =>
    Math.min(marks[of], markOf(amountOf(spent, of), limitOf(limits, of)));
  return { cost: lowered('cost'), tokens: lowered('tokens') };
}
