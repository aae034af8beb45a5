/**
 * Where the steps of a chain are drawn: in layers from left to right, a step right of everything that
 * it waits for. Owns the order within a layer, which is made so that few lines cross.
 *
 * L1 No two boxes touch: each layer has a column, each step a row of it.
 * L2 A step stands right of each of its dependencies.
 * L3 The same chain is drawn alike each time.
 */
import type { PlannedStep, Position } from '@writ/contracts';

/** Of a box with the room around it; a box is at most 200 by 80. */
export const COLUMN = 280;
export const ROW = 120;

export interface Placed {
  readonly layer: number;
  /** Of the middle of its box. */
  readonly position: Position;
}

type Node = Pick<PlannedStep, 'name' | 'dependsOn'>;

/** Up and down so often; after that hardly anything changes. */
const SWEEPS = 4;

/** Takes a chain with a cycle, or with a dependency that is not there, as well as it can be drawn. */
export function layout(steps: readonly Node[]): ReadonlyMap<string, Placed> {
  const layers = layersOf(steps);
  const columns: string[][] = [];
  for (const [name, layer] of layers) (columns[layer] ??= []).push(name);
  order(columns, steps);
  const tallest = Math.max(0, ...columns.map((column) => column.length));
  const placed = new Map<string, Placed>();
  columns.forEach((column, layer) => {
    const top = ((tallest - column.length) / 2) * ROW;
    column.forEach((name, row) => {
      placed.set(name, { layer, position: { x: layer * COLUMN, y: top + row * ROW } }); // L1
    });
  });
  return placed;
}

/** The longest way to each step from one that waits for nothing; in the order of the chain. */
export function layersOf(steps: readonly Node[]): ReadonlyMap<string, number> {
  const layers = new Map(steps.map(({ name }) => [name, 0]));
  const known = (name: string) => layers.has(name);
  const waitsFor = new Map(
    steps.map((step) => [step.name, new Set(step.dependsOn.filter(known)).size]),
  );
  const dependents = dependentsOf(steps);
  const ready = steps.filter(({ name }) => waitsFor.get(name) === 0).map(({ name }) => name);
  for (const name of ready) {
    for (const dependent of dependents.get(name) ?? []) {
      layers.set(dependent, Math.max(layers.get(dependent) ?? 0, (layers.get(name) ?? 0) + 1)); // L2
      const left = (waitsFor.get(dependent) ?? 0) - 1;
      waitsFor.set(dependent, left);
      if (left === 0) ready.push(dependent);
    }
  }
  return layers;
}

function dependentsOf(steps: readonly Node[]): ReadonlyMap<string, readonly string[]> {
  const dependents = new Map<string, string[]>();
  for (const { name, dependsOn } of steps) {
    for (const dependency of new Set(dependsOn)) {
      const others = dependents.get(dependency);
      if (others === undefined) dependents.set(dependency, [name]);
      else others.push(name);
    }
  }
  return dependents;
}

/** Each step as near as can be to the middle of those that it is joined to on the one side. */
function order(columns: string[][], steps: readonly Node[]): void {
  const above = new Map(steps.map(({ name, dependsOn }) => [name, dependsOn]));
  const below = dependentsOf(steps);
  const height = new Map<string, number>();
  const note = (column: readonly string[]) =>
    column.forEach((name, row) => height.set(name, (row + 0.5) / column.length));
  columns.forEach(note);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const column of columns) sortBy(column, above, height, note);
    for (const column of [...columns].reverse()) sortBy(column, below, height, note);
  }
}

function sortBy(
  column: string[],
  joined: ReadonlyMap<string, readonly string[]>,
  height: ReadonlyMap<string, number>,
  note: (column: readonly string[]) => void,
): void {
  const middle = new Map(
    column.map((name) => {
      const heights = (joined.get(name) ?? []).flatMap((other) => height.get(other) ?? []);
      const sum = heights.reduce((total, it) => total + it, 0);
      // Joined to nothing, it stays where it is.
      return [name, heights.length === 0 ? (height.get(name) ?? 0) : sum / heights.length];
    }),
  );
  // A stable sort: those that are as near keep their order (L3).
  column.sort((one, other) => (middle.get(one) ?? 0) - (middle.get(other) ?? 0));
  note(column);
}
