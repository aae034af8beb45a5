/** What going back to before a step would mean: read, shown, and nothing done (FORMATS). */
import { z } from 'zod';
import { StepStatus } from './documents';
import { DirectiveId, StepName } from './ids';

export const RollbackStep = z.object({
  step: StepName,
  status: StepStatus,
  /**
   * `asked`: the step itself. `depends_on`: it needs one that goes back. `merged_after`: the branch
   * has it on top of one that goes back. `begun_on_it`: it is under way, perhaps from files that go back.
   */
  because: z.enum(['asked', 'depends_on', 'merged_after', 'begun_on_it']),
  /** The step that drags it along. */
  through: StepName.nullable(),
  runId: z.string().nullable(),
  /** Head of the branch after it was merged. */
  commit: z.string().nullable(),
});
export type RollbackStep = z.infer<typeof RollbackStep>;

export const RollbackPlan = z.object({
  step: StepName,
  /** In the order of the chain. */
  steps: z.array(RollbackStep),
  /** Of the directive's branch; null without a git workspace. */
  from: z.string().nullable(),
  to: z.string().nullable(),
  /** What git cannot take back, and why. */
  irreversible: z.array(z.object({ step: StepName, why: z.string() })),
});
export type RollbackPlan = z.infer<typeof RollbackPlan>;

/** `writ rollback DIRECTIVE STEP --advisory-only` */
export const RollbackAdvisory = z.object({
  directiveId: DirectiveId,
  plan: RollbackPlan,
  markdown: z.string(),
});
export type RollbackAdvisory = z.infer<typeof RollbackAdvisory>;
