/**
 * What a directive's state is kept as. Generic over the members of the state, so that a new one needs
 * nothing here but another `SHAPE`; `directive-snapshot.spec.ts` folds stored histories and fails when
 * what is written of them changes and the number does not.
 *
 * N1 A member is plain JSON, a map by string whose values are, or the chain. Another is refused.
 * N2 What is read back decides and folds on as the state that was written does.
 */
import { Chain, type StepState } from './chain';
import type { DirectiveState } from './directive-state';
import { GrowingMap } from './growing-map';
import type { SnapshotForm } from './snapshot-form';

/** See `SnapshotForm.shape`. */
const SHAPE = 4;

interface Written {
  readonly plain: Record<string, unknown>;
  readonly maps: Record<string, (readonly [string, unknown])[]>;
  readonly chains: Record<string, StepState[]>;
}

export const directiveSnapshot: SnapshotForm<DirectiveState> = { shape: SHAPE, write, read };

function write(state: DirectiveState): string {
  const written: Written = { plain: {}, maps: {}, chains: {} };
  for (const [name, member] of Object.entries(state) as [string, unknown][]) {
    if (member instanceof Chain) written.chains[name] = [...member];
    else if (isMap(member)) written.maps[name] = [...member];
    else if (isPlain(member)) written.plain[name] = member;
    else throw new Error(`member ${name} of a directive's state cannot be kept in a snapshot`); // N1
  }
  return JSON.stringify(written);
}

function read(text: string): DirectiveState {
  const { plain, maps, chains } = JSON.parse(text) as Written;
  const state = { ...plain };
  for (const [name, entries] of Object.entries(maps)) state[name] = new Map(entries);
  for (const [name, steps] of Object.entries(chains)) state[name] = Chain.restored(steps);
  return state as unknown as DirectiveState;
}

const isMap = (member: unknown): member is ReadonlyMap<string, unknown> =>
  member instanceof Map || member instanceof GrowingMap;

function isPlain(member: unknown): boolean {
  if (typeof member !== 'object' || member === null) return typeof member !== 'function';
  const prototype: unknown = Object.getPrototypeOf(member);
  return prototype === Object.prototype || prototype === Array.prototype;
}
