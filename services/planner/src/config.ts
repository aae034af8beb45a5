/** The planner's environment. */
import { MAX_NEXT } from '@writ/contracts';
import { processVariables, readEnvironment, serviceVariables, variable } from '@writ/observability';
import { z } from 'zod';
import { People } from './people';

/** Told at the start, with all other bad variables. */
function checkPeople(text: string, context: z.RefinementCtx): void {
  try {
    People.parse(text);
  } catch (error) {
    context.addIssue((error as Error).message);
  }
}

export const environment = z.object({
  ...processVariables,
  DATABASE_URL: serviceVariables.DATABASE_URL,
  NATS_URL: serviceVariables.NATS_URL,
  NATS_TOKEN: serviceVariables.NATS_TOKEN,
  WRIT_CONTENT_DIR: serviceVariables.WRIT_CONTENT_DIR,
  WRIT_RECONCILE_MS: variable(z.coerce.number().int().min(100).max(600_000).default(2_000), {
    means: 'how often the planner looks for work that is due and unattended',
    example: '2000',
  }),
  WRIT_UNATTENDED_MS: variable(z.coerce.number().int().min(100).max(600_000).default(4_000), {
    means: 'how long work may be due before it is rung again',
    example: '4000',
  }),
  WRIT_MAX_WAITING: variable(z.coerce.number().int().min(1).max(1_000_000).default(600), {
    means: 'how much work that is answered at once may wait before new directives are refused',
    example: '600',
  }),
  WRIT_MAX_UNFINISHED: variable(z.coerce.number().int().min(1).max(1_000_000).default(20_000), {
    means: 'how many directives may be unfinished before new ones are refused',
    example: '20000',
  }),
  WRIT_PEOPLE: variable(z.string().superRefine(checkPeople).optional(), {
    means: 'who has which roles in approvals; without it everybody has all of them',
    example: 'alice=reviewer+lead,bob=reviewer',
  }),
  WRIT_STEPS_AHEAD: variable(z.coerce.number().int().min(0).max(MAX_NEXT).default(16), {
    means: 'how many steps an executor may go on to at once, without asking between them; 0: none',
    example: '16',
  }),
});

export type PlannerConfig = z.infer<typeof environment>;

export const readConfig = (): PlannerConfig => readEnvironment(environment);
