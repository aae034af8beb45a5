/**
 * The plan that a run has made: read from its artifact, by its schema. What cannot be read is an issue
 * of the plan, which whoever plans is told.
 */
import type { ContentStore } from '@writ/content-store';
import { explainIssues, StepSpec, STEP_LIMIT, type Issue, type RunEnded } from '@writ/contracts';
import type { MadePlan } from '@writ/domain';
import { z } from 'zod';

const MOST_BYTES = 4 * 1024 * 1024;

const Plan = z.strictObject({
  rationale: z.string().max(20_000).optional(),
  steps: z.array(StepSpec).max(STEP_LIMIT),
});

export async function readPlan(
  content: Pick<ContentStore, 'get'>,
  ended: RunEnded,
  file: string,
): Promise<MadePlan> {
  const artifact = ended.artifacts.find(({ path }) => path === file);
  if (artifact === undefined) {
    return wrong('no_plan', `the run made no file "${file}" with the plan in it`);
  }
  if (artifact.bytes > MOST_BYTES) {
    return wrong('too_large', `the plan has ${artifact.bytes} bytes, more than ${MOST_BYTES}`);
  }
  const text = Buffer.from(await content.get(artifact.digest)).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return wrong('malformed', `"${file}" is no JSON: ${(error as Error).message}`);
  }
  const parsed = Plan.safeParse(value);
  return parsed.success ? parsed.data : { issues: explainIssues(Plan, parsed.error, value) };
}

const wrong = (code: string, message: string): { issues: Issue[] } => ({
  issues: [{ code, message, path: '' }],
});
