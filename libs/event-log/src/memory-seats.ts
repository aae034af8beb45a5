/**
 * Seats in memory, for the simulator: those of several processes compete as over a database. The
 * tables that projections write are given; here is who may write them, and how far that one came.
 */
import type { EntityManager } from 'typeorm';
import type { Page, Projection } from './projection';
import type { ProjectionSeat, RelaySeat, Seats } from './seats';

export interface MemoryTables {
  /** What `tx` writes is seen by nobody before `commit`, and never without it. */
  begin(): { readonly tx: EntityManager; commit(): void };
}

interface Place {
  heldBy: object | undefined;
  position: number;
}

const RELAY = 'relay';

export class MemorySeats {
  private readonly places = new Map<string, Place>();

  constructor(private readonly tables: MemoryTables) {}

  /** The seats as one process sees them. */
  of(owner: object): Seats {
    return {
      relay: () => this.relay(owner),
      projection: (projection) => Promise.resolve(this.projection(owner, projection)),
    };
  }

  /** The process is gone: its seats are free. */
  leave(owner: object): void {
    for (const place of this.places.values()) if (place.heldBy === owner) place.heldBy = undefined;
  }

  /** How far a read model is, whoever brought it there. */
  positionOf({ schema, name }: Pick<Projection, 'schema' | 'name'>): number {
    return this.place(`${schema}.${name}`).position;
  }

  private relay(owner: object): RelaySeat {
    const place = this.place(RELAY);
    return {
      get holds() {
        return place.heldBy === owner;
      },
      tryHold: async () => {
        place.heldBy ??= owner;
        return place.heldBy === owner;
      },
      cursor: async () => place.position,
      save: async (position) => {
        place.position = Math.max(place.position, position);
      },
      close: async () => leave(place, owner),
    };
  }

  private projection(owner: object, projection: Projection): ProjectionSeat {
    const { schema, name } = projection;
    const place = this.place(`${schema}.${name}`);
    let open = true;
    const at = (from: number) => {
      if (open && place.heldBy === owner && place.position === from) return;
      throw new Error(`the checkpoint of ${schema}.${name} is not at ${from} any more`);
    };
    return {
      take: async () => {
        place.heldBy ??= owner;
        return place.heldBy === owner ? place.position : undefined;
      },
      advance: async (page: Page, from) => {
        at(from);
        const { tx, commit } = this.tables.begin();
        if (page.events.length > 0) await projection.apply(page.events, tx);
        at(from); // the session may have ended meanwhile, and with it what it wrote
        commit();
        place.position = page.upTo;
      },
      close: async () => {
        open = false;
        leave(place, owner);
      },
    };
  }

  private place(name: string): Place {
    const known = this.places.get(name) ?? { heldBy: undefined, position: 0 };
    this.places.set(name, known);
    return known;
  }
}

function leave(place: Place, owner: object): void {
  if (place.heldBy === owner) place.heldBy = undefined;
}
