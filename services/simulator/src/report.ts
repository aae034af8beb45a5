/** What is told of seeds: a broken one so that it can be seen again, many of them in sums. */
import { createHash } from 'node:crypto';
import type { Verdict } from './simulate';

/** The last lines of a journey that are shown unless all are wanted. */
const SHOWN_LINES = 60;

export function describeBroken({ seed, broken, journey }: Verdict, whole: boolean): string[] {
  const shown = whole ? journey : journey.slice(-SHOWN_LINES);
  const left = journey.length - shown.length;
  return [
    ...(left > 0 ? [`... ${left} lines before`] : []),
    ...shown,
    `seed ${seed}: ${broken.length} broken`,
    ...broken.map((line) => `  ${line}`),
    `see it again: npm run simulate -- --seed ${seed} --journey`,
  ];
}

export class Sums {
  seeds = 0;
  broken = 0;
  readonly figures = { directives: 0, events: 0, programs: 0, steps: 0, virtualSeconds: 0 };
  slowestCalmSeconds = 0;
  readonly faults: Record<string, number> = {};
  readonly outcomes: Record<string, number> = {};
  readonly types: Record<string, number> = {};
  /** Of all seeds: points that processes came by, and those at which one died. */
  readonly points = new Set<string>();
  readonly crashes = new Set<string>();
  private readonly digests = createHash('sha256');

  /** Of all that happened: the same seeds have the same, whoever runs them. */
  get digest(): string {
    return this.digests.copy().digest('hex');
  }

  add({ broken, figures, digest }: Verdict): void {
    const { directives, events, programs, steps, stormMs, calmMs } = figures;
    this.seeds += 1;
    if (broken.length > 0) this.broken += 1;
    this.figures.directives += directives;
    this.figures.events += events;
    this.figures.programs += programs;
    this.figures.steps += steps;
    this.figures.virtualSeconds += Math.round((stormMs + calmMs) / 1000);
    this.slowestCalmSeconds = Math.max(this.slowestCalmSeconds, Math.round(calmMs / 1000));
    addTo(this.faults, figures.faults);
    addTo(this.outcomes, figures.outcomes);
    addTo(this.types, figures.types);
    for (const point of figures.points) this.points.add(point);
    for (const point of figures.crashes) this.crashes.add(point);
    this.digests.update(`${digest}\n`);
  }
}

function addTo(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
}
