/** What a person is asked in place of a program: a step that is an answer, a check that is one. */
import { z } from 'zod';

const Question = z
  .string()
  .min(1)
  .max(10_000)
  .refine((text) => !text.includes('\0'), 'holds a NUL byte');
const Choice = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}]*$/u, 'holds a control character');

/** No executor has part in it: the planner asks, and the answer is what the step makes. */
export const HumanAdapter = z.strictObject({
  kind: z.literal('human'),
  question: Question,
  /** One of these is the answer; without them it is in the person's own words. */
  choices: z
    .array(Choice)
    .min(2)
    .max(50)
    .refine((all) => new Set(all).size === all.length, 'names a choice twice')
    .optional(),
});
export type HumanAdapter = z.infer<typeof HumanAdapter>;

/** Asked when no required check of another kind has failed. */
export const HumanCheck = z.strictObject({
  kind: z.literal('human'),
  name: z.string().min(1).max(200).optional(),
  required: z.boolean().optional(),
  weight: z.number().min(0).max(100).optional(),
  acceptanceCriteriaIds: z.array(z.string()).max(100).optional(),
  question: Question,
});
export type HumanCheck = z.infer<typeof HumanCheck>;

/** The artifact of a step that a person has answered. */
export const HUMAN_ANSWER = 'answer.json';
