/** The verifier out of its parts: alike as a process and in the simulator. */
import { systemClock } from '@writ/contracts';
import { evaluationDecider } from '@writ/domain';
import { Aggregates, uuidV7 } from '@writ/event-log';
import type { EventLog } from '@writ/event-log';
import { WorkerDesk, type WorkerBus } from '@writ/worker-protocol';
import { readRepository } from './detection/repository-files';
import type { Verifier } from './verifier';

export interface VerifierParts extends Omit<
  Verifier,
  'log' | 'bus' | 'evaluations' | 'underWay' | 'clock' | 'readRepository' | 'redact' | 'workers'
> {
  readonly log: EventLog;
  readonly bus: Verifier['bus'] & WorkerBus;
  /** A worker that has taken a check and says nothing for so long counts as dead. */
  readonly silenceMs?: number;
  /** Default: as it lies on the disk. */
  readonly readRepository?: Verifier['readRepository'];
  /** Default: nothing is secret. */
  readonly redact?: Verifier['redact'];
  /** Default: the system's clock and chance. */
  readonly clock?: Verifier['clock'];
  readonly random?: () => number;
  readonly newId?: () => string;
}

/** Evaluations are looked up in the log; this only spares the folding of the latest. */
const cacheSize = 100;
const DEFAULT_SILENCE_MS = 20_000;

export function composeVerifier(parts: VerifierParts): Verifier {
  const { clock = systemClock, random = Math.random, newId = uuidV7, ...given } = parts;
  const { log, bus, silenceMs = DEFAULT_SILENCE_MS } = given;
  const workers = new WorkerDesk({ bus, clock, newToken: newId, silenceMs });
  const usual = { readRepository, redact: (text: string) => text };
  const deciding = { log, decider: evaluationDecider, cacheSize, clock, random, newId };
  const evaluations = new Aggregates(deciding);
  return { ...usual, ...given, clock, workers, evaluations, underWay: new Set() };
}
