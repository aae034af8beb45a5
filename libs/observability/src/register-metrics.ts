/**
 * How a metric is described and how it comes into a registry. A label either lists all its values
 * (then they are its type, and a counter starts at zero for each of them, so that the first increase
 * shows) or is `open`: names from a bounded set that the service knows. Never an id.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export const open = 'open';
type LabelValues = readonly string[] | typeof open;
export type Labels = Readonly<Record<string, LabelValues>>;

export interface MetricDefinition<
  K extends 'counter' | 'gauge' | 'histogram' = 'counter' | 'gauge' | 'histogram',
  L extends Labels = Labels,
> {
  readonly kind: K;
  readonly name: string;
  readonly help: string;
  readonly labels: L;
  readonly buckets?: readonly number[];
}

type None = Record<never, never>;

export const counter = <const L extends Labels = None>(
  name: string,
  help: string,
  labels?: L,
): MetricDefinition<'counter', L> => ({ kind: 'counter', name, help, labels: labels ?? ({} as L) });

export const gauge = <const L extends Labels = None>(
  name: string,
  help: string,
  labels?: L,
): MetricDefinition<'gauge', L> => ({ kind: 'gauge', name, help, labels: labels ?? ({} as L) });

export const histogram = <const L extends Labels = None>(
  name: string,
  help: string,
  buckets: readonly number[],
  labels?: L,
): MetricDefinition<'histogram', L> => ({
  kind: 'histogram',
  name,
  help,
  buckets,
  labels: labels ?? ({} as L),
});

type ValuesOf<L extends Labels> = {
  readonly [N in keyof L]: L[N] extends readonly (infer V)[] ? V : string;
};
type Arguments<L extends Labels, V extends unknown[]> = keyof L extends never
  ? V
  : [labels: ValuesOf<L>, ...V];

/** What a service holds of a metric: exactly what it may do with it. */
export type Instrument<D> =
  D extends MetricDefinition<'counter', infer L>
    ? { inc(...given: Arguments<L, [by?: number]>): void }
    : D extends MetricDefinition<'gauge', infer L>
      ? { set(...given: Arguments<L, [value: number]>): void }
      : D extends MetricDefinition<'histogram', infer L>
        ? { observe(...given: Arguments<L, [value: number]>): void }
        : never;

export type Group = Readonly<Record<string, MetricDefinition>>;
export type Instruments<G extends Group> = { readonly [N in keyof G]: Instrument<G[N]> };

/** Every combination of the labels' values; none when a label is open. */
function combinations(labels: Labels): Record<string, string>[] {
  let rows: Record<string, string>[] = [{}];
  for (const [label, values] of Object.entries(labels)) {
    if (values === open) return [];
    rows = rows.flatMap((row) => values.map((value) => ({ ...row, [label]: value })));
  }
  return rows;
}

function create(definition: MetricDefinition, registry: Registry) {
  const { kind, name, help, labels, buckets = [] } = definition;
  const settings = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  if (kind === 'histogram') return new Histogram({ ...settings, buckets: [...buckets] });
  if (kind === 'gauge') return new Gauge(settings);
  const made = new Counter(settings);
  for (const row of combinations(labels)) made.inc(row, 0);
  return made;
}

/** Registers a group; throws when the registry has one of its names already. */
export function registerMetrics<G extends Group>(registry: Registry, group: G): Instruments<G> {
  const made = Object.entries(group).map(([member, definition]) => [
    member,
    create(definition, registry),
  ]);
  return Object.fromEntries(made) as Instruments<G>;
}
