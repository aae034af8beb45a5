/**
 * Runs the checks of a step in their order and records what each found: outcome, evidence in the
 * content store, and the last lines of it for people. A check that breaks has the outcome `error`;
 * only trouble of our own (the content store, a stop or a standstill of the process) makes the whole
 * evaluation fail.
 */
import type { Check, CheckResult, Clock, EvaluateWork } from '@writ/contracts';
import type { ContentStore } from '@writ/content-store';
import { DEFAULT_WEIGHT, isRequired } from '@writ/domain';
import { checkFiles } from './checks/check-files';
import { checkJsonSchema } from './checks/check-json-schema';
import { checkProgram } from './checks/check-program';
import { CheckCutOff, CheckTrouble, type CheckContext, type Verdict } from './checks/verdict';

const TAIL_LINES = 20;
const TAIL_CHARACTERS = 4_000;
const NAME_CHARACTERS = 120;

type Work = Pick<EvaluateWork, 'checks' | 'acceptanceCriteriaIds'>;

export async function runChecks(
  work: Work,
  context: CheckContext,
  { content, clock }: { readonly content: ContentStore; readonly clock: Clock },
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const [index, name] of namesOf(work.checks).entries()) {
    const check = work.checks[index] as Check;
    context.signal.throwIfAborted();
    const started = clock.now();
    const verdict = await verdictOf(check, context);
    const durationMs = Math.round(clock.now() - started);
    results.push(await record(work, check, name, verdict, durationMs, content));
  }
  return results;
}

/** The results of checks that there is nothing to carry out on. */
export function allInError(work: Work, message: string): CheckResult[] {
  return namesOf(work.checks).map((name, index) => {
    const check = work.checks[index] as Check;
    return { ...described(work, check, name), outcome: 'error', message, durationMs: 0 };
  });
}

async function verdictOf(check: Check, context: CheckContext): Promise<Verdict> {
  try {
    switch (check.kind) {
      case 'files':
        return await checkFiles(check, context);
      case 'json-schema':
        return await checkJsonSchema(check, context);
      case 'program':
        return await checkProgram(check, context);
    }
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof CheckCutOff) throw error;
    const message = error instanceof CheckTrouble ? error.message : `it broke: ${String(error)}`;
    return { outcome: 'error', message };
  }
}

async function record(
  work: Work,
  check: Check,
  name: string,
  verdict: Verdict,
  durationMs: number,
  content: ContentStore,
): Promise<CheckResult> {
  const { log = '', ...found } = verdict;
  const result = { ...described(work, check, name), ...found, durationMs };
  if (log === '') return result;
  const { digest } = await content.put(Buffer.from(log));
  return { ...result, logDigest: digest, tail: tailOf(log) };
}

/** Criteria that the check does not name itself are those of its step. */
function described(work: Work, check: Check, name: string) {
  const acceptanceCriteriaIds = check.acceptanceCriteriaIds ?? work.acceptanceCriteriaIds;
  return {
    name,
    kind: check.kind,
    required: isRequired(check),
    weight: check.weight ?? DEFAULT_WEIGHT,
    ...(acceptanceCriteriaIds.length === 0 ? {} : { acceptanceCriteriaIds }),
  };
}

/** A name for each check, none twice: reports and metrics refer to them. */
export function namesOf(checks: readonly Check[]): string[] {
  const used = new Map<string, number>();
  return checks.map((check) => {
    const name = check.name ?? nameOf(check).slice(0, NAME_CHARACTERS);
    const count = (used.get(name) ?? 0) + 1;
    used.set(name, count);
    return count === 1 ? name : `${name} #${count}`;
  });
}

function nameOf(check: Check): string {
  switch (check.kind) {
    case 'files':
      return `files ${check.paths.join(', ')}`;
    case 'json-schema':
      return `json-schema ${check.path}`;
    case 'program':
      return check.argv.join(' ');
  }
}

/** Colours and other control characters are for terminals; this is for whoever shows it. */
export function tailOf(log: string): string {
  const clean = log
    .slice(-TAIL_CHARACTERS * 4)
    .replace(/\x1b\[[0-?]*[ -/]*[@-~]/g, '')
    .replace(/[^\P{Cc}\n\t]/gu, '')
    .trimEnd();
  return clean.split('\n').slice(-TAIL_LINES).join('\n').slice(-TAIL_CHARACTERS);
}
