/**
 * Gets one batch of appends into the log and answers each: tries again over lost connections and
 * lost replies, and finds the culprit when a batch fails as a whole.
 *
 * B1 A reply that was lost is asked for by sending the same ids again: what went in the first time
 *    answers `repeated` (L3), and is then read as it was recorded.
 * B2 Every append is settled by its deadline and a bounded number of attempts.
 * B3 A batch that PostgreSQL refuses wrote nothing. It is halved, in order, until the append that
 *    cannot be stored stands alone; the others go in (L5).
 */
import { setTimeout as wait } from 'node:timers/promises';
import { TerminalError, VersionConflict } from '@writ/contracts';
import type { PendingAppend } from './append-queue';
import type { AppendReply, AppendSession } from './append-session';
import type { StoredEvent } from './event-log';
import { LogUnavailable } from './log-errors';
import type { PreparedAppend } from './prepare-append';
import { backoffMs, codeOf, reasonOf, troubleOf } from './postgres-trouble';
import { storedEvents } from './stored-event';

export interface AppendBatchOptions {
  readonly session: Pick<AppendSession, 'append'>;
  /** The events of a stream above a version, as they stand in the log. */
  readonly readBack: (stream: string, after: number, limit: number) => Promise<StoredEvent[]>;
  readonly maxAttempts: number;
  /** Hears of each group that PostgreSQL has taken how many appends were in it. Must not throw. */
  readonly committed?: (appends: number) => void;
}

export async function appendBatch(
  batch: readonly PendingAppend[],
  options: AppendBatchOptions,
): Promise<void> {
  let open = batch;
  for (let attempt = 1; open.length > 0; attempt += 1) {
    let replies: AppendReply[];
    try {
      replies = await options.session.append(open.map(({ append }) => append));
    } catch (error) {
      if (troubleOf(error) === 'refused') return refuse(open, error, options);
      const delay = backoffMs(attempt, 20, 1_000);
      open = open.filter((pending) => stillWaits(pending, attempt, delay, error, options));
      if (open.length > 0) await wait(delay);
      continue;
    }
    options.committed?.(open.length);
    await Promise.all(open.map((pending, index) => settle(pending, replies[index]!, options)));
    return;
  }
}

async function settle(
  { append, resolve, reject }: PendingAppend,
  reply: AppendReply,
  options: AppendBatchOptions,
): Promise<void> {
  const { stream, expectedVersion, events } = append;
  if (reply.outcome === 'appended') return resolve(storedEvents(append, reply));
  if (reply.outcome === 'conflict') {
    return reject(new VersionConflict(stream, expectedVersion, reply.actualVersion));
  }
  try {
    resolve(await options.readBack(stream, expectedVersion, events.length)); // B1
  } catch (cause) {
    reject(new LogUnavailable(`${stream}: appended, but it could not be read back`, { cause }));
  }
}

/** B3 */
async function refuse(
  open: readonly PendingAppend[],
  error: unknown,
  options: AppendBatchOptions,
): Promise<void> {
  const [only] = open;
  if (open.length === 1 && only) return only.reject(refusalOf(only.append, error));
  const half = Math.ceil(open.length / 2);
  await appendBatch(open.slice(0, half), options);
  await appendBatch(open.slice(half), options);
}

/** B2 */
function stillWaits(
  pending: PendingAppend,
  attempt: number,
  delay: number,
  cause: unknown,
  { maxAttempts }: AppendBatchOptions,
): boolean {
  if (attempt < maxAttempts && performance.now() + delay < pending.deadline) return true;
  const { stream } = pending.append;
  const known =
    troubleOf(cause) === 'transient' ? 'was not written' : 'may or may not have gone in';
  const reason = reasonOf(cause);
  pending.reject(
    new LogUnavailable(
      `${stream}: the append ${known} after ${attempt} attempts (${reason}); ` +
        'appending the same events again is safe',
      { cause },
    ),
  );
  return false;
}

function refusalOf(append: PreparedAppend, error: unknown): Error {
  const { stream } = append;
  const { message, constraint } = error as Error & { constraint?: string };
  if (constraint === 'event_id') {
    return new TerminalError('event_id_reused', `${stream}: an event id stands elsewhere already`);
  }
  // Class 22: a value that PostgreSQL cannot take. 54: beyond a limit of its own.
  if (/^(22|54)/.test(codeOf(error)))
    return new TerminalError('not_storable', `${stream}: ${message}`);
  return new Error(`${stream}: PostgreSQL refuses the append: ${message}`, { cause: error });
}
