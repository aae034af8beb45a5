/**
 * The rule aggregate in words: a verdict about approvals that is compared with what people say, and may
 * stand for theirs once it was promoted. The planner is its only writer; `domain/rule.ts` decides.
 */
import { z } from 'zod';
import { Adapter } from './adapter';
import { ApprovalId, Decision } from './approval';
import { Reason } from './directive-file';
import { ConfidenceLevel } from './evaluation';
import { Digest } from './ids';

export const ruleVerbs = ['create', 'promote', 'revoke'] as const;
export type RuleVerb = (typeof ruleVerbs)[number];

/** It is part of the rule's stream and of what it is called as a voter: `rule:<name>`. */
export const RuleName = z
  .string()
  .max(64)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'is not kebab-case (a-z, 0-9 and single dashes)');

/** No person is called so: a name of a person holds no colon. */
export const ruleVoter = (name: string) => `rule:${name}`;

const kinds = Adapter.options.map((option) => option.shape.kind.value);
const StepType = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, 'is not a step type');

/** All of what is given has to hold; of a list, one of its members. */
export const RuleCondition = z.strictObject({
  stepTypes: z.array(StepType).min(1).max(50).optional(),
  adapters: z.array(z.enum(kinds)).min(1).max(kinds.length).optional(),
  /** What has no score is below every one. */
  minScore: z.number().min(0).max(1).optional(),
  levels: z.array(ConfidenceLevel).min(1).max(4).optional(),
  /** Of the directive, in whatever case. */
  titleIncludes: z
    .string()
    .min(1)
    .max(200)
    .refine((text) => !text.includes('\0'), 'holds a NUL byte')
    .optional(),
});
export type RuleCondition = z.infer<typeof RuleCondition>;

export const RuleVerdict = z.enum(['approve', 'deny']);
export type RuleVerdict = z.infer<typeof RuleVerdict>;

/** A rule as a person writes it. */
export const RuleFile = z.strictObject({
  name: RuleName,
  when: RuleCondition,
  verdict: RuleVerdict,
  /** So many judgements in a row have to agree before it may be promoted. */
  promoteAfter: z.number().int().min(1).max(10_000).default(20),
});
export type RuleFile = z.infer<typeof RuleFile>;

/** The data of a command message, by verb: `writ.command.rule.<verb>`. */
export const ruleCommands = {
  create: RuleFile,
  promote: z.strictObject({ name: RuleName }),
  revoke: z.strictObject({ name: RuleName, reason: Reason.optional() }),
} as const satisfies Record<RuleVerb, z.ZodType>;
export type RuleCommandData<V extends RuleVerb> = z.infer<(typeof ruleCommands)[V]>;

export const RuleStatus = z.enum(['shadow', 'promoted', 'revoked']);
export type RuleStatus = z.infer<typeof RuleStatus>;

/** Stored form: never rename; add a version. */
export const ruleEvents = {
  RuleCreated: z.object({
    name: z.string(),
    when: z.object({
      stepTypes: z.array(z.string()).optional(),
      adapters: z.array(z.string()).optional(),
      minScore: z.number().optional(),
      levels: z.array(ConfidenceLevel).optional(),
      titleIncludes: z.string().optional(),
    }),
    verdict: RuleVerdict,
    promoteAfter: z.number().int(),
    contentDigest: Digest,
  }),
  /** What people have decided, beside what it would have said. */
  RuleJudged: z.object({
    approvalId: ApprovalId,
    digest: Digest,
    ruleVerdict: RuleVerdict,
    humanVerdict: Decision,
    by: z.array(z.string()),
    agrees: z.boolean(),
    /** Who approved has put something else in the place of what was made. */
    edited: z.boolean().optional(),
    /** Of the decision in the log. */
    position: z.number().int(),
  }),
  RulePromoted: z.object({ by: z.string(), agreements: z.number().int() }),
  /** By nobody: a judgement has disagreed, and it is in shadow again. By a person: for good. */
  RuleRevoked: z.object({ by: z.string().optional(), reason: z.string() }),
  /** Its vote has decided an approval. */
  RuleDecided: z.object({
    approvalId: ApprovalId,
    digest: Digest,
    decision: RuleVerdict,
    /** Of the decision in the log. */
    position: z.number().int(),
  }),
} as const;
export type RuleEventType = keyof typeof ruleEvents;
export type RuleEventData<T extends RuleEventType> = z.infer<(typeof ruleEvents)[T]>;
export type RuleEvent = {
  [T in RuleEventType]: { readonly type: T; readonly data: RuleEventData<T> };
}[RuleEventType];

/** `writ policy rules list`: a contract with users (FORMATS). */
export const RuleSummary = ruleEvents.RuleCreated.omit({ contentDigest: true }).extend({
  status: RuleStatus,
  createdAt: z.string(),
  createdBy: z.string(),
  judged: z.number().int(),
  agreed: z.number().int(),
  /** In a row, up to now; a promotion asks for `promoteAfter` of them. */
  agreements: z.number().int(),
  decided: z.number().int(),
  promoted: z.object({ by: z.string(), at: z.string() }).nullable(),
  /** The last time; `by` null: a judgement has disagreed. */
  revoked: z.object({ by: z.string().nullable(), reason: z.string(), at: z.string() }).nullable(),
  version: z.number().int(),
  position: z.number().int(),
});
export type RuleSummary = z.infer<typeof RuleSummary>;

/** `writ policy rules show`: the last of each, the newest last. */
export const RuleDocument = RuleSummary.extend({
  judgements: z.array(ruleEvents.RuleJudged.extend({ at: z.string() })),
  decisions: z.array(ruleEvents.RuleDecided.extend({ at: z.string() })),
});
export type RuleDocument = z.infer<typeof RuleDocument>;
