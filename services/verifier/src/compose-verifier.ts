/** The verifier out of its parts: alike as a process and in the simulator. */
import { systemClock } from '@writ/contracts';
import { evaluationDecider } from '@writ/domain';
import { Aggregates, uuidV7 } from '@writ/event-log';
import type { EventLog } from '@writ/event-log';
import { readRepository } from './detection/repository-files';
import type { Verifier } from './verifier';

export interface VerifierParts extends Omit<
  Verifier,
  'log' | 'evaluations' | 'underWay' | 'clock' | 'readRepository' | 'redact'
> {
  readonly log: EventLog;
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

export function composeVerifier(parts: VerifierParts): Verifier {
  const { clock = systemClock, random = Math.random, newId = uuidV7, ...given } = parts;
  const { log } = given;
  const usual = { readRepository, redact: (text: string) => text };
  const deciding = { log, decider: evaluationDecider, cacheSize, clock, random, newId };
  return { ...usual, ...given, clock, evaluations: new Aggregates(deciding), underWay: new Set() };
}
