/**
 * A directive as it goes on: its document again after every change, until it is final. Owns how the
 * feed, which says that something happened, and the document, which says how it stands, come together.
 * A feed that breaks is taken up again where it stopped.
 */
import { type DirectiveDocument, finalStatuses } from '@writ/contracts';

import { directivePath } from './api-path';
import { CliError } from './cli-error';
import type { Gateway } from './gateway-client';

/** The document is read this often at most, and at least. */
const READ_EVERY_MS = 100;
const READ_AT_LEAST_EVERY_MS = 1_000;
const FEED_PAUSE_MS = 500;

export interface FollowOptions {
  /** When to give up; the directive goes on. */
  readonly timeoutMs?: number | undefined;
  /** Aborted when the person leaves. */
  readonly signal: AbortSignal;
}

export const isEnded = (directive: DirectiveDocument) => finalStatuses.includes(directive.status);

/** The last one yielded is final. Throws CliError: not_found, timeout, interrupted, unavailable. */
export async function* followDirective(
  gateway: Gateway,
  id: string,
  { timeoutMs, signal }: FollowOptions,
): AsyncGenerator<DirectiveDocument> {
  const path = directivePath(id);
  const over = new AbortController();
  const ring = new Ring();
  const leave = () => ring.ring();
  signal.addEventListener('abort', leave);
  const deadline = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
  let directive = await gateway.get<DirectiveDocument>(path, signal);
  void listen(gateway, path, directive.position, over.signal, () => ring.ring());
  try {
    for (;;) {
      yield directive;
      if (isEnded(directive)) return;
      await pause(READ_EVERY_MS, signal);
      await ring.heard(Math.min(READ_AT_LEAST_EVERY_MS, deadline - performance.now()));
      if (signal.aborted) throw new CliError('interrupted', `left; ${id} goes on`);
      if (performance.now() >= deadline) {
        const seconds = (timeoutMs ?? 0) / 1000;
        throw new CliError('timeout', `${id} was not finished within ${seconds} s; it goes on`);
      }
      directive = await gateway.get<DirectiveDocument>(path, signal);
    }
  } catch (error) {
    if (signal.aborted) throw new CliError('interrupted', `left; ${id} goes on`);
    throw error;
  } finally {
    over.abort();
    signal.removeEventListener('abort', leave);
  }
}

/** Rings for each event. A feed that cannot be had is no reason to stop: the document is polled. */
async function listen(
  gateway: Gateway,
  path: string,
  after: number,
  signal: AbortSignal,
  ring: () => void,
): Promise<void> {
  let last = after;
  while (!signal.aborted) {
    try {
      for await (const event of gateway.events(`${path}/events?after=${last}`, signal)) {
        last = Number(event.id ?? last);
        ring();
      }
    } catch {
      // Told by the next reading of the document, if it is more than a moment.
    }
    await pause(FEED_PAUSE_MS, signal);
  }
}

/** A bell that is heard once, also when it rang before somebody listened. */
class Ring {
  private rung = false;
  private wake: (() => void) | undefined;

  ring(): void {
    this.rung = true;
    this.wake?.();
  }

  async heard(withinMs: number): Promise<void> {
    if (!this.rung && withinMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.rung = false;
    this.wake = undefined;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
