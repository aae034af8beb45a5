/** Opens what running the programs of steps needs: the host of programs, and slots. */
import type { Logger } from '@writ/observability';
import {
  openProgramHost,
  type ProgramCounters,
  type ProgramHost,
  type ProgramSettings,
  type Sandbox,
} from '@writ/programs';
import type { ExecutorConfig } from './config';
import { Slots } from './slots';

export interface StepHost extends ProgramHost {
  /** How many programs run at a time. */
  readonly slots: Slots;
  /** Most bytes of a file that stdout is kept in. */
  readonly maxOutputBytes: number;
}

type Config = ProgramSettings &
  Pick<ExecutorConfig, 'WRIT_LEASE_MS' | 'WRIT_MAX_OUTPUT_BYTES' | 'WRIT_MAX_PROGRAMS'>;

/**
 * Throws when the sandbox that was asked for does not work here. `known` is one that was tried
 * before.
 */
export async function openPrograms(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  tools: { readonly logger: Logger; readonly counters: ProgramCounters },
  known?: Sandbox,
): Promise<StepHost> {
  const host = await openProgramHost({
    ...{ settings: config, env, sandbox: known, ...tools },
    // Less than what is left of any lease when the last heartbeat has just been missed.
    wardenLimitMs: config.WRIT_LEASE_MS * 0.6,
  });
  const slots = new Slots(config.WRIT_MAX_PROGRAMS);
  return { ...host, slots, maxOutputBytes: config.WRIT_MAX_OUTPUT_BYTES };
}
