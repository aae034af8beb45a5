/**
 * The run aggregate: one execution of a step, from its first claim to its end. Owns who may write
 * what: of two executors one is refused, a stale one always, and what was cut off in the middle runs
 * again only when that can do no harm. Owns when a try that failed is worth another.
 *
 * R1 A run ends once, and nothing happens to it after that.
 * R2 Only the holder of the latest claim may add to a run.
 * R3 A claim may be taken over when its lease has run out, never before, and by one only: whoever
 *    takes over names the claim that was the latest when the lease was taken.
 * R4 A step that is not idempotent is never processed under two claims: the second one ends it as
 *    in doubt.
 */
import type {
  AttemptRecord,
  RecordedEvent,
  Refusal,
  Retry,
  RunClaimed,
  RunEnded,
  RunError,
  RunEvent,
  StageRecord,
} from '@writ/contracts';
import type { Decider } from './decider';

export type RunState =
  | { readonly status: 'pending'; readonly version: 0 }
  | {
      readonly status: 'claimed';
      readonly version: number;
      readonly claimed: RunClaimed;
      /** Database time of the latest claim. */
      readonly claimedAt: string;
      readonly attempts: readonly AttemptRecord[];
    }
  | { readonly status: 'ended'; readonly version: number; readonly ended: RunEnded };

export type RunCommand =
  | {
      readonly type: 'claim';
      readonly run: Omit<RunClaimed, 'claim'>;
      readonly idempotent: boolean;
      /**
       * The claim that is taken over: the latest one when the lease was taken, by the database's
       * clock; 0 when there was none. Whoever was slow must not take over from whoever came after.
       */
      readonly over: number;
      /** RFC 3339. */
      readonly at: string;
    }
  | { readonly type: 'note-attempt'; readonly executorId: string; readonly attempt: AttemptRecord }
  | { readonly type: 'end'; readonly ended: RunEnded };

export const runDecider: Decider<RunState, RunCommand, RunEvent> = {
  initial: { status: 'pending', version: 0 },
  decide,
  evolve,
};

function decide(command: RunCommand, state: RunState): RunEvent[] | Refusal {
  switch (command.type) {
    case 'claim':
      return claim(command, state);
    case 'note-attempt':
      return noteAttempt(command, state);
    case 'end':
      return end(command.ended, state);
  }
}

function claim(
  { run, idempotent, over, at }: Extract<RunCommand, { type: 'claim' }>,
  state: RunState,
): RunEvent[] | Refusal {
  if (state.status === 'ended') return superseded(`run ${run.runId} has ended`); // R1
  const claims = state.status === 'pending' ? 0 : state.claimed.claim;
  const next: RunEvent = { type: 'RunClaimed', data: { ...run, claim: over + 1 } };
  if (state.status === 'claimed' && claims !== over) {
    const { executorId } = state.claimed;
    const isOurs = executorId === run.executorId && claims === over + 1;
    return isOurs ? [] : superseded(`${executorId} works on run ${run.runId}`); // R3
  }
  if (claims !== over) return superseded(`claim ${over} was never made`);
  if (state.status === 'pending' || idempotent) return [next];
  return [{ type: 'RunEnded', data: inDoubt(state, run.executorId, at) }]; // R4
}

function noteAttempt(
  { executorId, attempt }: Extract<RunCommand, { type: 'note-attempt' }>,
  state: RunState,
): RunEvent[] | Refusal {
  if (!holds(state, executorId, attempt.claim)) return stale(state, attempt.claim); // R2
  const { runId } = state.claimed;
  const known = state.attempts.some(
    (it) => it.claim === attempt.claim && it.attempt === attempt.attempt,
  );
  return known ? [] : [{ type: 'RunAttemptFailed', data: { runId, attempt } }];
}

function end(ended: RunEnded, state: RunState): RunEvent[] | Refusal {
  if (state.status === 'ended') {
    const { claim: by, executorId, result } = state.ended;
    const repeated =
      by === ended.claim && executorId === ended.executorId && result === ended.result;
    return repeated ? [] : superseded(`run ${ended.runId} has ended as ${result}`); // R1
  }
  // In-process steps claim and end in one append; so does what fails before it is claimed.
  const free = state.status === 'pending' && ended.claim === 1;
  if (!free && !holds(state, ended.executorId, ended.claim)) return stale(state, ended.claim); // R2
  return [{ type: 'RunEnded', data: ended }];
}

function holds(
  state: RunState,
  executorId: string,
  claim: number,
): state is Extract<RunState, { status: 'claimed' }> {
  if (state.status !== 'claimed') return false;
  return state.claimed.claim === claim && state.claimed.executorId === executorId;
}

function stale(state: RunState, claim: number): Refusal {
  if (state.status === 'ended') return superseded(`run ${state.ended.runId} has ended`);
  if (state.status === 'pending') return superseded(`claim ${claim} was never made`);
  const { claimed } = state;
  return superseded(
    `claim ${claim} of run ${claimed.runId} is stale: ` +
      `claim ${claimed.claim} belongs to ${claimed.executorId}`,
  );
}

const superseded = (message: string): Refusal => ({ refused: 'superseded', message });

function inDoubt(
  { claimed, claimedAt, attempts }: Extract<RunState, { status: 'claimed' }>,
  executorId: string,
  at: string,
): RunEnded {
  const { runId, directiveId, step, stepType, attempt, adapter, sandbox, bundle } = claimed;
  const error: RunError = {
    kind: 'in_doubt',
    code: 'cut_off',
    message:
      `${claimed.executorId} was lost while it ran this step, and the step is not declared ` +
      'idempotent: look at what it did, then retry it',
  };
  const processing: StageRecord = {
    name: 'processing',
    status: 'failed',
    startedAt: claimedAt,
    endedAt: at,
    error: error.message,
  };
  return {
    ...{ runId, directiveId, step, stepType, attempt, adapter, sandbox, bundle, executorId },
    claim: claimed.claim + 1,
    result: 'failed',
    error,
    stages: [...claimed.stages, processing],
    attempts: [...attempts],
    exitCode: null,
    artifacts: [],
    durationMs: Math.max(0, Date.parse(at) - Date.parse(claimedAt)),
  };
}

function evolve(state: RunState, recorded: RecordedEvent): RunState {
  const event = recorded as unknown as RunEvent;
  const { version, recordedAt } = recorded;
  switch (event.type) {
    case 'RunClaimed': {
      const attempts = state.status === 'claimed' ? state.attempts : [];
      return { status: 'claimed', version, claimed: event.data, claimedAt: recordedAt, attempts };
    }
    case 'RunAttemptFailed':
      if (state.status !== 'claimed') break;
      return { ...state, version, attempts: [...state.attempts, event.data.attempt] };
    case 'RunEnded':
      return { status: 'ended', version, ended: event.data };
  }
  throw new Error(`${recorded.stream} has ${recorded.type} while it is ${state.status}`);
}

/** A try of a step as it ended, for the decision whether there is another. */
export interface FailedTry {
  readonly error: RunError;
  readonly exitCode: number | null;
  /** The last of what it wrote, both streams. */
  readonly said: string;
}

/** A longer pause than this is no retry any more. */
const LONGEST_RETRY_MS = 3_600_000;

/**
 * How long to wait before the next try, or undefined when there is none. `made` counts the tries so
 * far; `random` is from [0, 1).
 */
export function retryDelayMs(
  retry: Retry,
  made: number,
  failed: FailedTry,
  random: number,
): number | undefined {
  if (made > retry.retries || !isWorthRetrying(retry, failed)) return undefined;
  return Math.round(pauseAfter(retry, made) * (1 + retry.jitter * (2 * random - 1)));
}

/** What the wait for the next try is at most. */
export function longestRetryDelayMs(retry: Retry, made: number): number {
  return Math.round(pauseAfter(retry, made) * (1 + retry.jitter));
}

function pauseAfter(retry: Retry, made: number): number {
  return Math.min(retry.baseDelayMs * retry.factor ** (made - 1), LONGEST_RETRY_MS);
}

function isWorthRetrying(retry: Retry, { error, exitCode, said }: FailedTry): boolean {
  const kinds: readonly string[] = retry.errors;
  if (kinds.includes(error.kind)) return true;
  if (error.kind !== 'exit') return false;
  if (exitCode !== null && retry.exitCodes.includes(exitCode)) return true;
  const text = said.toLowerCase();
  return retry.messages.some((message) => text.includes(message.toLowerCase()));
}
