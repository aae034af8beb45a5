/**
 * Providers in trouble: those who carry out steps and are out of order themselves. Owns which end of a
 * run means that, when a directive stops asking them, and how it tries whether they are well again.
 *
 * V1 A run that ends so is no failure of its step: the step waits for its next attempt.
 * V2 After `maxProviderErrors` such runs in a row of one provider the directive is suspended. A run
 *    of that provider that ends in any other way begins the count anew.
 * V3 It goes on with one step of the provider, and no other until that has ended: its end in any other
 *    way lets all go on; if it ends so again the directive is suspended for twice as long.
 * V4 A probe that people did not ask for is made so often; then it waits for a person.
 */
import type {
  Adapter,
  DirectiveEvent,
  DirectiveEventData,
  PlannedStep,
  RunEnded,
} from '@writ/contracts';
import { isIdle, type Chain, type StepState } from './chain';

/** V2, when nothing else is said. */
const USUAL_MOST_ERRORS = 3;
const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 15 * 60_000;
/** V4 */
const MOST_PROBES = 5;

export interface Breaker {
  /** In a row, of each provider that has some. */
  readonly errors: readonly { readonly provider: string; readonly count: number }[];
  /** V3: of which provider, and the run once it has started. */
  readonly probing: { readonly provider: string; readonly runId: string | null } | null;
  /** How many in a row found it in trouble still. */
  readonly fruitless: number;
}

export const closedBreaker: Breaker = { errors: [], probing: null, fruitless: 0 };

/** Who carries it out: the kind, with a name where there are several of it. */
export function providerOf(adapter: Adapter): string {
  switch (adapter.kind) {
    case 'worker':
      return `worker ${adapter.name}`;
    case 'http':
      return `http ${hostOf(adapter.url)}`;
    case 'program':
      return `program ${adapter.argv[0]?.split('/').at(-1) ?? ''}`;
    default:
      return adapter.kind;
  }
}

const hostOf = (url: string): string =>
  /^[a-z]+:\/\/(?:[^/?#@]*@)?([^/?#]*)/i.exec(url)?.[1] ?? url;

/**
 * V1: whether the run ended because of its provider. Its adapter may say so (`provider`). Of a program
 * its exit code does, when the step says that its `retry.exitCodes` mean it (`retry.provider`). An
 * answer that did not come, or one of a server in trouble, does for an idempotent step alone: nobody
 * can tell what was done already.
 */
export function isProviderTrouble(
  { adapter, retry, idempotent }: PlannedStep,
  ended: RunEnded,
): boolean {
  const { error, exitCode } = ended;
  if (error === undefined) return false;
  switch (error.kind) {
    case 'provider':
      return true;
    case 'exit':
      return retry.provider === true && exitCode !== null && retry.exitCodes.includes(exitCode);
    case 'infrastructure': {
      const isTheirs = error.code.startsWith('http_') || error.code === 'worker_silent';
      return idempotent && isTheirs && ['http', 'worker'].includes(adapter.kind);
    }
    default:
      return false;
  }
}

interface Breaking {
  readonly breaker: Breaker;
  readonly chain: Chain;
  readonly spec: { readonly limits: { readonly maxProviderErrors?: number } };
}

export const errorsOf = ({ errors }: Breaker, provider: string): number =>
  errors.find((it) => it.provider === provider)?.count ?? 0;

/** V2: the provider that is not asked any more. */
export const isOpen = ({ breaker, spec }: Breaking, provider: string): boolean =>
  errorsOf(breaker, provider) >= (spec.limits.maxProviderErrors ?? USUAL_MOST_ERRORS);

/** Whether anything is left that needs it. */
export function isStillNeeded({ chain }: Pick<Breaking, 'chain'>, provider: string): boolean {
  for (const step of chain) if (isIdle(step) && isOf(step, provider)) return true;
  return false;
}

const isOf = ({ spec }: StepState, provider: string) => providerOf(spec.adapter) === provider;

/** What it is suspended with; V4: without `retryAfterMs` nothing but a person goes on. */
export function suspendedFor(
  { fruitless }: Breaker,
  provider: string,
): { provider: string; retryAfterMs?: number } {
  if (fruitless >= MOST_PROBES) return { provider };
  return { provider, retryAfterMs: Math.min(FIRST_WAIT_MS * 2 ** fruitless, LONGEST_WAIT_MS) };
}

/** V3: the step that alone may start, null for none; undefined when every one may. */
export function probeStep(
  { breaker: { probing }, chain }: Breaking,
  canStart: (step: StepState) => boolean,
): string | null | undefined {
  if (probing === null) return undefined;
  if (probing.runId !== null) return null;
  for (const step of chain.ready()) {
    if (isOf(step, probing.provider) && canStart(step)) return step.spec.name;
  }
  return undefined;
}

/** When it is tried again, by the database's clock. */
export function nextProbe(
  suspension: (DirectiveEventData<'DirectiveSuspended'> & { readonly since: string }) | null,
): number | null {
  if (suspension?.kind !== 'provider' || suspension.retryAfterMs === undefined) return null;
  return Date.parse(suspension.since) + suspension.retryAfterMs;
}

interface Before {
  readonly breaker: Breaker;
  readonly suspension: DirectiveEventData<'DirectiveSuspended'> | null;
}

/** What the event changes in it; `chain` is that after the event. */
export function breakerAfter(
  { breaker, suspension }: Before,
  event: DirectiveEvent,
  chain: Pick<Chain, 'get'>,
): Breaker {
  const { errors, probing } = breaker;
  switch (event.type) {
    case 'StepPostponed': {
      const { provider, run } = event.data;
      const others = errors.filter((it) => it.provider !== provider);
      const more = [...others, { provider, count: errorsOf(breaker, provider) + 1 }];
      if (probing?.runId !== run.runId) return { ...breaker, errors: more };
      return { errors: more, probing: null, fruitless: breaker.fruitless + 1 };
    }
    case 'StepStarted': {
      const step = chain.get(event.data.step);
      if (probing?.runId !== null || step === undefined) return breaker;
      if (!isOf(step, probing.provider)) return breaker;
      return { ...breaker, probing: { ...probing, runId: event.data.runId } };
    }
    case 'DirectiveResumed': {
      // After a pause, or more time, the count goes on: nothing is known of the provider.
      if (event.data.probe !== true) return breaker;
      const provider = suspension?.provider ?? '';
      // V4: a person has asked.
      const gaveUp = suspension?.retryAfterMs === undefined;
      const fruitless = gaveUp ? 0 : breaker.fruitless;
      return { ...breaker, fruitless, probing: { provider, runId: null } };
    }
    case 'StepCancelled':
      if (probing === null || probing.runId !== event.data.runId) return breaker;
      return { ...breaker, probing: { ...probing, runId: null } };
    case 'StepEvaluating':
    case 'StepMerging':
    case 'StepPassed':
    case 'StepFailed':
    case 'StepBlocked':
    case 'StepReworkRequested':
    case 'ApprovalRequested':
      return worked(breaker, event.data, chain);
    default:
      return breaker;
  }
}

/** V2, V3: a run has ended in another way. */
function worked(
  breaker: Breaker,
  { step: name, run }: { readonly step: string; readonly run?: { readonly runId: string } },
  chain: Pick<Chain, 'get'>,
): Breaker {
  const step = chain.get(name);
  if (run === undefined || step === undefined || breaker.errors.length === 0) return breaker;
  const provider = providerOf(step.spec.adapter);
  if (errorsOf(breaker, provider) === 0) return breaker;
  const errors = breaker.errors.filter((it) => it.provider !== provider);
  if (breaker.probing?.provider !== provider) return { ...breaker, errors };
  return { errors, probing: null, fruitless: 0 };
}
