/**
 * Where those who follow the log sit: each seat is for one at a time, and keeps how far that one came.
 * Two stand under it: PostgreSQL (`postgresSeats`) and memory (`memory-seats.ts`).
 *
 * A1 Of those who want a seat one has it, until it closes the seat or its process is gone.
 * A2 How far it came outlives whoever sat there, and moves in one with what it stands for.
 */
import { openProjectionSeat } from './projection-seat';
import type { Page, Projection } from './projection';
import { postgresRelaySeat } from './relay-seat';

/** Of the relay: how far is up to where everything is published. */
export interface RelaySeat {
  /** This relay is the active one, as far as it knows. */
  readonly holds: boolean;
  /** True when this relay is the active one now. Throws when that cannot be found out. */
  tryHold(): Promise<boolean>;
  cursor(): Promise<number>;
  /** Moves the cursor on, never back. */
  save(position: number): Promise<void>;
  close(): Promise<void>;
}

/** Of the follower of one read model: how far is its checkpoint. Thrown away at the first error. */
export interface ProjectionSeat {
  /** The checkpoint when the seat is ours now; undefined while another one sits there. */
  take(): Promise<number | undefined>;
  /** Applies a page and moves the checkpoint from `from` to its end, both or neither. */
  advance(page: Page, from: number): Promise<void>;
  close(): Promise<void>;
}

export interface Seats {
  relay(): RelaySeat;
  projection(projection: Projection): Promise<ProjectionSeat>;
}

export const postgresSeats = (url: string): Seats => ({
  relay: () => postgresRelaySeat(url),
  projection: (projection) => openProjectionSeat(url, projection),
});
