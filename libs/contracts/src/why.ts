/** Why something is as it is, and what would change that: `writ why`. A contract with users (FORMATS). */
import { z } from 'zod';

export const Because = z.object({
  /** For programs: what kind of cause it is. */
  kind: z.string(),
  /** For people. */
  text: z.string(),
  since: z.string().nullable(),
  /** The command that changes it; null when it is only a matter of time, or nothing does. */
  unblock: z.string().nullable(),
});
export type Because = z.infer<typeof Because>;

/** The nearest cause first; each further one is a cause of the one before, or stands beside it. */
export const Why = z.object({ id: z.string(), state: z.string(), because: z.array(Because) });
export type Why = z.infer<typeof Why>;
