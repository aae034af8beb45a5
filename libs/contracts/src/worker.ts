/**
 * What a directive says of workers: a step that one carries out, a check that one makes. The messages
 * to and from workers are in `worker-messages.ts`.
 */
import { z } from 'zod';
import { canonicalJson, NotCanonicalError } from './canonical-json';

/** kebab-case; part of subjects. */
export const WorkerName = z
  .string()
  .max(64)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'is not kebab-case (a-z, 0-9 and single dashes)');

/** It goes in one message, whole, to programs that know no content store. */
export const MAX_WORKER_INPUT_BYTES = 256 * 1024;

const WorkerInput = z
  .unknown()
  .optional()
  .refine(
    (value) => isSmallJson(value, MAX_WORKER_INPUT_BYTES),
    `has no canonical JSON of at most ${MAX_WORKER_INPUT_BYTES} bytes; name larger things in "inputs"`,
  );

/** Whether it has canonical JSON, and of no more bytes than that. */
export function isSmallJson(value: unknown, mostBytes: number): boolean {
  if (value === undefined) return true;
  try {
    return new TextEncoder().encode(canonicalJson(value)).length <= mostBytes;
  } catch (error) {
    if (error instanceof NotCanonicalError) return false;
    throw error;
  }
}

/** A program of somebody's that takes work by this name over NATS. */
export const WorkerAdapter = z.strictObject({
  kind: z.literal('worker'),
  name: WorkerName,
  input: WorkerInput,
});

export const WorkerCheck = z.strictObject({
  kind: z.literal('worker'),
  name: z.string().min(1).max(200).optional(),
  required: z.boolean().optional(),
  weight: z.number().min(0).max(100).optional(),
  acceptanceCriteriaIds: z.array(z.string()).max(100).optional(),
  /** Which worker; `name` is what the check is called in reports. */
  worker: WorkerName,
  input: WorkerInput,
  timeoutMs: z.number().int().min(1).max(86_400_000).optional(),
});
export type WorkerCheck = z.infer<typeof WorkerCheck>;
