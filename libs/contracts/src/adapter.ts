/** How a step is carried out; how its result is checked is in `check.ts`. */
import { z } from 'zod';
import { canonicalJson, NotCanonicalError } from './canonical-json';
import { alternativesIn, MAX_ALTERNATIVES } from './glob';
import { HumanAdapter } from './human';
import { Digest } from './ids';
import { outboundRequestFields } from './outbound-request';
import { WorkerAdapter } from './worker';

const Text = z.string();
/** One argument of a program. NUL would cut it short in the operating system. */
export const Argument = Text.max(131_072).regex(/^[^\0]*$/, 'holds a NUL byte');

/** The code of the issue, see `explain-issues.ts`. */
const outside = { code: 'path_outside_workspace' };

/**
 * A path inside the workspace, as a step may name it: relative, without `..`, without control
 * characters. The sandbox is the wall; this is for the good error message.
 */
export const WorkspacePath = z
  .string()
  .min(1)
  .max(1024)
  .refine((path) => !/[\0-\x1f]/.test(path), 'holds a control character')
  .refine((path) => !/^([/\\]|[A-Za-z]:)/.test(path), {
    error: 'is absolute; name a path in the workspace',
    params: outside,
  })
  .refine((path) => !path.split(/[/\\]/).includes('..'), {
    error: 'leads out of the workspace (..)',
    params: outside,
  });

export const NOT_CANONICAL =
  'has no canonical JSON: a number in it is too large, or it is nested too deep';

/** Whether it has a digest: JSON can say 1e999, which no number is. */
export function isCanonical(value: unknown): boolean {
  try {
    if (value !== undefined) canonicalJson(value);
    return true;
  } catch (error) {
    if (error instanceof NotCanonicalError) return false;
    throw error;
  }
}

/** A path or a glob in the workspace. */
export const WorkspaceGlob = WorkspacePath.refine(
  (pattern) => alternativesIn(pattern) <= MAX_ALTERNATIVES,
  'stands for too many patterns; name fewer in braces',
);

export const ProgramEnvironment = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'is not a name of an environment variable'),
  Argument,
);

export const ProgramAdapter = z.strictObject({
  kind: z.literal('program'),
  argv: z.array(Argument).min(1).max(4096),
  cwd: WorkspacePath.optional(),
  env: ProgramEnvironment.optional(),
  stdin: Text.optional(),
  stdoutTo: WorkspacePath.optional(),
});

export const ShellAdapter = z.strictObject({
  kind: z.literal('shell'),
  script: Argument.min(1),
  cwd: WorkspacePath.optional(),
  env: ProgramEnvironment.optional(),
  stdoutTo: WorkspacePath.optional(),
});

/** Answers at once, in the executor's own process; for tests and benchmarks. */
export const EchoAdapter = z.strictObject({
  kind: z.literal('echo'),
  output: z.unknown().optional().refine(isCanonical, NOT_CANONICAL),
});

/** Asks somebody over HTTP, in the executor's own process. */
export const HttpAdapter = z.strictObject({
  kind: z.literal('http'),
  ...outboundRequestFields,
  /** The body of the answer becomes this file. */
  bodyTo: WorkspacePath.optional(),
  /** Of the answer's body; default 10 MiB. */
  maxBytes: z.number().int().min(1).max(1_073_741_824).optional(),
  /** Default 5. */
  maxRedirects: z.number().int().min(0).max(20).optional(),
});

export const Adapter = z.discriminatedUnion('kind', [
  ProgramAdapter,
  ShellAdapter,
  EchoAdapter,
  HttpAdapter,
  WorkerAdapter,
  HumanAdapter,
]);
export type Adapter = z.infer<typeof Adapter>;
export type AdapterKind = Adapter['kind'];

export const Retry = z.strictObject({
  retries: z.number().int().min(0).max(100).default(0),
  baseDelayMs: z.number().int().min(0).max(600_000).default(700),
  factor: z.number().min(1).max(10).default(2),
  jitter: z.number().min(0).max(1).default(0.25),
  exitCodes: z.array(z.number().int().min(0).max(255)).max(256).default([75, 101, 111, 125]),
  messages: z
    .array(z.string().min(1).max(500))
    .max(50)
    .default(['rate limit', 'transient network']),
  /** Kinds of error of `RunError` that are worth another try. */
  errors: z.array(z.enum(['timeout', 'spawn', 'infrastructure'])).default(['infrastructure']),
  /** A program that ends with one of `exitCodes`, after all tries, says that its provider is in trouble. */
  provider: z.boolean().optional(),
});
export type Retry = z.infer<typeof Retry>;

/** A file that lies beside the directive file, given to the step under `${inputs}`, by content. */
export const StepInput = z.strictObject({ name: WorkspacePath, digest: Digest });
export type StepInput = z.infer<typeof StepInput>;
