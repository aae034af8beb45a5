/** Who decides about what was made, and by when. */
import { z } from 'zod';

/** Of a person, as the installation names them. */
export const Role = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, 'is not a role');
/** Who somebody is, as the gateway knows him. */
export const PersonId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/, 'is not a person');

/** How a directive wants its approvals: `approvals` in the directive file. */
export const ApprovalPolicy = z
  .strictObject({
    /** Whoever has one of them may decide; none: anybody. */
    roles: z.array(Role).max(20).default([]),
    /** So many different people have to approve; one who denies is enough. */
    quorum: z.number().int().min(1).max(20).default(1),
    /** Whoever submitted the directive does not decide. */
    excludeRequester: z.boolean().default(false),
    /** By the time of the database, however long nothing runs. Default: none. */
    deadlineMinutes: z.number().positive().max(525_600).optional(),
    onExpiry: z.enum(['deny', 'escalate']).default('deny'),
    /** Who may decide once it is escalated; it then has the same time again, and is denied after it. */
    escalateTo: z.array(Role).max(20).default([]),
    /** What whoever approves has to tick, every item. */
    checklist: z.array(z.string().min(1).max(500)).max(50).optional(),
  })
  .refine((it) => it.onExpiry === 'deny' || it.deadlineMinutes !== undefined, {
    path: ['deadlineMinutes'],
    message: 'is missing: without it nothing is ever escalated',
  });
export type ApprovalPolicy = z.infer<typeof ApprovalPolicy>;
