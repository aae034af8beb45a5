/** What a directive can be told: the verbs, and the data of each. */
import { z } from 'zod';
import {
  Autonomy,
  DirectiveFile,
  LimitChanges,
  Reason,
  StepSpec,
  Thresholds,
} from './directive-file';
import { Digest, DirectiveId, StepName } from './ids';
import { ApprovalEdit, ApprovalId } from './approval';
import { ApprovalPolicy } from './approval-policy';

/** What may be told of a directive as a whole. */
export const lifeVerbs = ['start', 'pause', 'resume', 'stop', 'archive'] as const;
export type LifeVerb = (typeof lifeVerbs)[number];
/** What changes a directive that is there, its chain or a step of it. */
export const changeVerbs = [
  'amend',
  'raise-limit',
  'replan',
  'submit-plan',
  'add-step',
  'update-step',
  'remove-step',
  'skip-step',
  'retry-step',
  'rollback',
] as const;
export type ChangeVerb = (typeof changeVerbs)[number];
/** What is told to one directive by `POST /v1/directives/{id}/commands`. */
export const toldVerbs = [...lifeVerbs, ...changeVerbs] as const;
export type ToldVerb = LifeVerb | ChangeVerb;
/** About one approval of a directive. */
export const approvalVerbs = ['approve', 'deny', 'ask', 'answer'] as const;
export const directiveVerbs = ['create', 'fork', ...toldVerbs, ...approvalVerbs] as const;
export type DirectiveVerb = (typeof directiveVerbs)[number];

const onDirective = { directiveId: DirectiveId };
const reason = Reason.optional();
const Words = DirectiveFile.shape.goal;
const decision = {
  ...onDirective,
  approvalId: ApprovalId,
  /** Of what was seen: another one is refused. */
  digest: Digest,
  comment: Reason.optional(),
};

/** Parts of a directive that may change while it lives; what is not named stays. */
export const Amendments = z
  .strictObject({
    title: DirectiveFile.shape.title,
    goal: DirectiveFile.shape.goal,
    requirements: DirectiveFile.shape.requirements.unwrap(),
    acceptanceCriteria: DirectiveFile.shape.acceptanceCriteria.unwrap(),
    constraints: DirectiveFile.shape.constraints.unwrap(),
    autonomy: Autonomy,
    thresholds: Thresholds,
    limits: LimitChanges,
    approvals: ApprovalPolicy,
  })
  .partial();
export type Amendments = z.infer<typeof Amendments>;
const chain = DirectiveFile.shape.chain;

/** The data of a command message, by verb: `writ.command.directive.<verb>`. */
export const directiveCommands = {
  create: z.strictObject({
    /** Default: made from the command id, so that a repeated create makes one directive. */
    directiveId: DirectiveId.optional(),
    directive: DirectiveFile,
    /** Start at once. */
    start: z.boolean().default(true),
  }),
  /** Another directive that begins where one stood: see `DirectiveCreated.fork`. */
  fork: z.strictObject({
    directiveId: DirectiveId.optional(),
    from: DirectiveId,
    /** Position in the log; default: where it stands now. */
    at: z.number().int().min(1).optional(),
    changes: Amendments.optional(),
    chain,
    start: z.boolean().default(true),
  }),
  start: z.strictObject(onDirective),
  /** `drain`, unless it says otherwise: what runs may end. `cut`: it is cancelled, and runs again after a resume. */
  pause: z.strictObject({ ...onDirective, reason, mode: z.enum(['drain', 'cut']).optional() }),
  resume: z.strictObject(onDirective),
  stop: z.strictObject({ ...onDirective, reason }),
  archive: z.strictObject(onDirective),
  amend: z.strictObject({ ...onDirective, changes: Amendments, reason }),
  'raise-limit': z.strictObject({ ...onDirective, limits: LimitChanges, reason }),
  /** With a chain: that one. Without: by the planner of the directive. */
  replan: z.strictObject({ ...onDirective, chain, reason }),
  /** With a chain: whole. Without: as it was built by `add-step` while planning. */
  'submit-plan': z.strictObject({ ...onDirective, chain, rationale: Reason.optional() }),
  'add-step': z.strictObject({ ...onDirective, step: StepSpec }),
  /** Takes the place of the step of this name. */
  'update-step': z.strictObject({ ...onDirective, step: StepSpec }),
  'remove-step': z.strictObject({ ...onDirective, step: StepName }),
  'skip-step': z.strictObject({ ...onDirective, step: StepName, reason }),
  'retry-step': z.strictObject({ ...onDirective, step: StepName, reason }),
  rollback: z.strictObject({ ...onDirective, step: StepName, reason }),
  approve: z.strictObject({
    ...decision,
    /** Every item of the checklist, from 1. */
    ticks: z.union([z.literal('all'), z.array(z.number().int().min(1)).max(50)]).optional(),
    /** In the place of what the run made. */
    edits: z.array(ApprovalEdit).min(1).max(100).optional(),
  }),
  /** `rework`: the step is to run again with the comment, instead of ending here. */
  deny: z.strictObject({ ...decision, rework: z.boolean().default(false) }),
  /** About an approval that waits; it decides nothing. */
  ask: z.strictObject({ ...onDirective, approvalId: ApprovalId, question: Words }),
  /** What was asked about an approval; or, with the digest, the question that a step is. */
  answer: z.strictObject({
    ...onDirective,
    approvalId: ApprovalId,
    digest: Digest.optional(),
    choice: Words.optional(),
    text: Words.optional(),
    /** Which one, from 1; default: the first without an answer. */
    question: z.number().int().min(1).optional(),
  }),
} as const satisfies Record<DirectiveVerb, z.ZodType>;
export type DirectiveCommandData<V extends DirectiveVerb> = z.infer<(typeof directiveCommands)[V]>;
