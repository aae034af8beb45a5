/** Which figure of a peer stands beside which of ours, and by how much ours is better. */
import type { Parameters } from './job';
import { rounded, type Latency } from './measure';

/** What a script of the peers prints. */
export interface Line {
  readonly bench: string;
  readonly [member: string]: unknown;
}

/** A job of ours and what it gave. */
export interface Own {
  readonly job: string;
  readonly parameters: Parameters;
  readonly result: Readonly<Record<string, unknown>>;
}

export interface Comparison {
  readonly figure: string;
  readonly unit: 'steps/s' | 'ms a step';
  readonly writ: number;
  /** `ratio`: above 1 Writ is ahead, whichever way the figure counts. */
  readonly peers: readonly {
    readonly name: string;
    readonly value: number;
    readonly ratio: number;
  }[];
}

/** Name of the peer, the line, its member, and what else the line must say. */
type Source = readonly [name: string, bench: string, member: string, also?: object];

const inHandler = { wf: 'chain' };
const byCalls = { wf: 'chaincall' };
const sources: Readonly<Record<string, readonly Source[]>> = {
  chain: [
    ['restate, in the handler', 'restate-chain', 'steps_s', inHandler],
    ['restate, by calls', 'restate-chain', 'steps_s', byCalls],
    ['dbos, in process', 'dbos-chain', 'steps_s'],
  ],
  'fan-out': [
    ['restate, in the handler', 'restate-fan', 'steps_s', { wf: 'fan' }],
    ['restate, by calls', 'restate-fan', 'steps_s', { wf: 'fancall' }],
    ['dbos, in process', 'dbos-fan', 'steps_s'],
  ],
  single: [
    ['restate, in the handler', 'restate-single', 'ms_per_step', inHandler],
    ['restate, by calls', 'restate-single', 'ms_per_step', byCalls],
    ['dbos, in process', 'dbos-single', 'ms_per_step'],
  ],
  // Theirs is of a whole workflow, which they look up once.
  cached: [],
};

/** Every line that is JSON with a `bench`; the rest is talk. */
export function linesOf(text: string): Line[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    const value = JSON.parse(line) as Partial<Line>;
    return typeof value.bench === 'string' ? [value as Line] : [];
  });
}

export function comparisonOf(own: readonly Own[], lines: readonly Line[]): Comparison[] {
  return own.map(({ job, parameters, result }) => {
    const isRate = result['stepsPerSecond'] !== undefined && job !== 'single' && job !== 'cached';
    const writ = isRate ? Number(result['stepsPerSecond']) : (result['latencyMs'] as Latency).p50;
    const directives = parameters['directives'];
    const peers = (sources[job] ?? []).flatMap(([name, bench, member, also = {}]) => {
      const wanted = { bench, ...also, ...(directives === undefined ? {} : { D: directives }) };
      const line = lines.find((it) =>
        Object.entries(wanted).every(([key, value]) => it[key] === value),
      );
      const value = Number(line?.[member]);
      if (!(value > 0)) return [];
      return [{ name, value, ratio: rounded(isRate ? writ / value : value / writ) }];
    });
    const size = directives === undefined ? '' : ` of ${directives}`;
    return { figure: job + size, unit: isRate ? 'steps/s' : 'ms a step', writ, peers };
  });
}
