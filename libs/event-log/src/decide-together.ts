/**
 * Decides commands to one stream one after the other, each on the state that the ones before it
 * lead to, before any of it is recorded. Pure but for the ids it is given a maker of.
 *
 * Where an event will stand and when it is recorded is not known yet; until it is, later decisions
 * see the position before and this process's time. Nothing may be decided by a difference so small.
 */
import {
  isRefusal,
  type EventMetadata,
  type NewEvent,
  type RecordedEvent,
  type Refusal,
} from '@writ/contracts';
import type { Decider } from '@writ/domain';
import type { Aggregate } from './aggregate-cache';
import { canonicalOf } from './prepare-append';

/** An event as a decider states it; without a `schemaVersion` it is of version 1. */
export interface Decided {
  readonly type: string;
  readonly data: unknown;
  readonly schemaVersion?: number;
}

export interface Asked<C> {
  readonly command: C;
  readonly metadata: EventMetadata;
}

export type Outcome =
  | { readonly kind: 'decided'; readonly events: readonly NewEvent[] }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** The decider threw. */
  | { readonly kind: 'failed'; readonly error: unknown };

export type Fold<S> = (before: Aggregate<S>, event: RecordedEvent) => Aggregate<S>;

export function decideTogether<S, C, E extends Decided>(
  decider: Decider<S, C, E>,
  stream: string,
  known: Aggregate<S>,
  group: readonly Asked<C>[],
  { newId, time }: { readonly newId: () => string; readonly time: () => string },
  fold: Fold<S>,
): Outcome[] {
  let state = known;
  return group.map(({ command, metadata }, index): Outcome => {
    try {
      const decision = decider.decide(command, state.state);
      if (isRefusal(decision)) return { kind: 'refused', refusal: decision };
      const events = decision.map(({ type, data, schemaVersion }): NewEvent => {
        return { id: newId(), type, schemaVersion: schemaVersion ?? 1, data, metadata };
      });
      if (index < group.length - 1) state = foldAhead(stream, state, events, time(), fold);
      return { kind: 'decided', events };
    } catch (error) {
      return { kind: 'failed', error };
    }
  });
}

function foldAhead<S>(
  stream: string,
  before: Aggregate<S>,
  events: readonly NewEvent[],
  recordedAt: string,
  fold: Fold<S>,
): Aggregate<S> {
  return events.reduce((state, event) => {
    const { value: data } = canonicalOf(stream, event.type, 'data', event.data); // as it will be read
    const { version, position } = state;
    return fold(state, { ...event, data, stream, version: version + 1, position, recordedAt });
  }, before);
}
