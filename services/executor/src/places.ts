/**
 * How much is carried out at a time: of each kind of step, of programs together, and of everything
 * together. A step has all its places before it takes a lease, so what waits is nobody's yet and holds
 * back nothing but itself; places are taken in one order, so no two wait for each other.
 */
import type { AdapterKind } from '@writ/contracts';
import { Slots } from './slots';

export const placeKinds = ['program', 'shell', 'http', 'worker'] as const satisfies AdapterKind[];
export type PlaceKind = (typeof placeKinds)[number];

/** How many places there are; without `all` as many as the kinds have together. */
export interface PlaceCounts extends Readonly<Record<PlaceKind, number>> {
  /** Of programs and shells together. */
  readonly programs: number;
  readonly all?: number;
}

/** As many of each kind. */
export const placesOfEach = (count: number): Record<PlaceKind, number> =>
  Object.fromEntries(placeKinds.map((kind) => [kind, count])) as Record<PlaceKind, number>;

export type PlaceName = PlaceKind | 'programs' | 'all';
type Watched = (name: PlaceName, slots: Pick<Slots, 'used' | 'waitingFor'>) => void;

export class Places {
  private readonly slots: Readonly<Record<PlaceName, Slots>>;

  constructor(
    counts: PlaceCounts,
    private readonly watched: Watched = () => undefined,
  ) {
    const sum = placeKinds.reduce((total, kind) => total + counts[kind], 0);
    const of = (name: PlaceName) => new Slots(counts[name] ?? sum);
    this.slots = {
      ...{ program: of('program'), shell: of('shell'), http: of('http'), worker: of('worker') },
      ...{ programs: of('programs'), all: of('all') },
    };
  }

  sizeOf(name: PlaceName): number {
    return this.slots[name].size;
  }

  /** Returns what gives the places back. Throws the signal's reason when it aborts first. */
  async take(kind: AdapterKind, signal: AbortSignal): Promise<() => void> {
    const given: (() => void)[] = [];
    const giveBack = () => given.splice(0).forEach((give) => give());
    try {
      for (const name of namesFor(kind)) given.push(await this.takeOne(name, signal));
      return giveBack;
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  private async takeOne(name: PlaceName, signal: AbortSignal): Promise<() => void> {
    const slots = this.slots[name];
    const taking = slots.take(signal);
    this.watched(name, slots);
    try {
      const give = await taking;
      return () => {
        give();
        this.watched(name, slots);
      };
    } finally {
      this.watched(name, slots);
    }
  }
}

function namesFor(kind: AdapterKind): readonly PlaceName[] {
  switch (kind) {
    case 'program':
    case 'shell':
      return [kind, 'programs', 'all'];
    case 'http':
    case 'worker':
      return [kind, 'all'];
    case 'echo':
    case 'human':
      return []; // it is answered, not carried out
  }
}
