/** How a step's result is checked (`verify`). */
import { z } from 'zod';
import {
  Argument,
  isCanonical,
  NOT_CANONICAL,
  ProgramEnvironment,
  WorkspaceGlob,
  WorkspacePath,
} from './adapter';
import { HumanCheck } from './human';
import { outboundRequestFields } from './outbound-request';
import { WorkerCheck } from './worker';

const checkFields = {
  name: z.string().min(1).max(200).optional(),
  /** A required check that fails makes the whole red, whatever the score. */
  required: z.boolean().optional(),
  weight: z.number().min(0).max(100).optional(),
  acceptanceCriteriaIds: z.array(z.string()).max(100).optional(),
};
const timeoutMs = z.number().int().min(1).max(86_400_000).optional();
const Globs = z.array(WorkspaceGlob).min(1).max(1000);

export const FilesCheck = z.strictObject({
  kind: z.literal('files'),
  ...checkFields,
  /** Paths or globs; each must match at least one file. */
  paths: Globs,
  nonEmpty: z.boolean().optional(),
});

export const JsonSchemaCheck = z
  .strictObject({
    kind: z.literal('json-schema'),
    ...checkFields,
    path: WorkspacePath,
    /** The schema itself (2020-12), or `schemaFile`: its path in the workspace. */
    schema: z
      .union([z.record(z.string(), z.unknown()).refine(isCanonical, NOT_CANONICAL), z.boolean()])
      .optional(),
    schemaFile: WorkspacePath.optional(),
  })
  .refine((it) => (it.schema === undefined) !== (it.schemaFile === undefined), {
    path: ['schema'],
    message: 'or "schemaFile" must be given, and not both',
  });

export const ProgramCheck = z.strictObject({
  kind: z.literal('program'),
  ...checkFields,
  argv: z.array(Argument).min(1).max(4096),
  cwd: WorkspacePath.optional(),
  env: ProgramEnvironment.optional(),
  timeoutMs,
});

/** What RE2 has not, of what others have; whatever else it refuses shows when the check runs. */
const NOT_IN_RE2 =
  /^(?:[^\\[]|\[\^?\]?(?:[^\]\\]|\\.)*\]|\\[^1-9])*?(?:\(\?(?:=|!|<=|<!|>|\()|\\[1-9])/s;

export const PatternCheck = z.strictObject({
  kind: z.literal('pattern'),
  ...checkFields,
  /** Paths or globs of text files. */
  paths: Globs,
  /** In RE2's syntax, so that it takes time by the length of the files alone. */
  pattern: z
    .string()
    .min(1)
    .max(2000)
    .refine((it) => !NOT_IN_RE2.test(it), 'looks around or back, which RE2 does not'),
  /** `i` any case, `m` ^ and $ at each line, `s` . also for line ends. */
  flags: z
    .string()
    .regex(/^(?!.*(.).*\1)[ims]*$/, 'holds more than i, m and s, each once')
    .optional(),
  /** It must match in no file; else in at least one. */
  absent: z.boolean().optional(),
});

export const HttpCheck = z.strictObject({
  kind: z.literal('http'),
  ...checkFields,
  ...outboundRequestFields,
  timeoutMs,
});

/** Against the commit that the step began with: for git workspaces only. */
export const DiffCheck = z
  .strictObject({
    kind: z.literal('diff'),
    ...checkFields,
    maxFiles: z.number().int().min(0).max(1_000_000).optional(),
    /** Added and removed ones together. */
    maxLines: z.number().int().min(0).max(100_000_000).optional(),
    /** None of these may be changed. */
    forbiddenPaths: Globs.optional(),
    /** Nothing but these may be changed. */
    allowedPaths: Globs.optional(),
  })
  .refine(
    (it) =>
      [it.maxFiles, it.maxLines, it.forbiddenPaths, it.allowedPaths].some(
        (its) => its !== undefined,
      ),
    { message: 'asks for nothing: name maxFiles, maxLines, forbiddenPaths or allowedPaths' },
  );

export const detectedWhats = ['build', 'types', 'lint', 'test'] as const;
export const DetectedWhat = z.enum(detectedWhats);
export type DetectedWhat = z.infer<typeof DetectedWhat>;

/** Checks that the files of the repository ask for; each becomes a result of its own. */
export const DetectedCheck = z.strictObject({
  kind: z.literal('detected'),
  ...checkFields,
  only: z.array(DetectedWhat).min(1).max(detectedWhats.length).optional(),
  /** Of each of them. */
  timeoutMs,
});

export const Check = z.discriminatedUnion('kind', [
  FilesCheck,
  JsonSchemaCheck,
  ProgramCheck,
  PatternCheck,
  HttpCheck,
  DiffCheck,
  DetectedCheck,
  WorkerCheck,
  HumanCheck,
]);
export type Check = z.infer<typeof Check>;
export type CheckOf<K extends Check['kind']> = Extract<Check, { kind: K }>;
export const Verify = z.union([z.literal('none'), z.array(Check).max(100)]);
export type Verify = z.infer<typeof Verify>;
