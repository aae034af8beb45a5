/** Opens what carrying out steps needs: the host of programs, and places. */
import type { Logger, MetricsOf } from '@writ/observability';
import {
  openProgramHost,
  type ProgramCounters,
  type ProgramHost,
  type ProgramSettings,
  type Sandbox,
} from '@writ/programs';
import type { ExecutorConfig } from './config';
import { Places } from './places';

export interface StepHost extends ProgramHost {
  /** How much is carried out at a time. */
  readonly places: Places;
  /** Most bytes of a file that stdout is kept in. */
  readonly maxOutputBytes: number;
}

type Config = ProgramSettings &
  Pick<
    ExecutorConfig,
    'WRIT_LEASE_MS' | 'WRIT_MAX_OUTPUT_BYTES' | 'WRIT_MAX_PROGRAMS' | 'WRIT_SLOTS'
  >;

/**
 * Throws when the sandbox that was asked for does not work here. `known` is one that was tried
 * before.
 */
export async function openPrograms(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  tools: {
    readonly logger: Logger;
    readonly counters: ProgramCounters;
    readonly metrics: Pick<MetricsOf<'executor'>, 'placesUsed' | 'placesWanted'>;
  },
  known?: Sandbox,
): Promise<StepHost> {
  const host = await openProgramHost({
    ...{ settings: config, env, sandbox: known, ...tools },
    // Less than what is left of any lease when the last heartbeat has just been missed.
    wardenLimitMs: config.WRIT_LEASE_MS * 0.6,
  });
  const { placesUsed, placesWanted } = tools.metrics;
  const places = new Places(placeCounts(config), (place, { used, waitingFor }) => {
    placesUsed.set({ place }, used);
    placesWanted.set({ place }, waitingFor);
  });
  return { ...host, places, maxOutputBytes: config.WRIT_MAX_OUTPUT_BYTES };
}

/** What only waits for others takes little of this machine. */
const WORKERS_AT_A_TIME = 50;
const REQUESTS_AT_A_TIME = 20;

export function placeCounts({
  WRIT_MAX_PROGRAMS: programs,
  WRIT_SLOTS: said,
}: Pick<Config, 'WRIT_MAX_PROGRAMS' | 'WRIT_SLOTS'>) {
  const counts = { program: programs, shell: programs, programs };
  return { ...counts, http: REQUESTS_AT_A_TIME, worker: WORKERS_AT_A_TIME, ...said };
}
