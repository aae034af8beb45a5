/**
 * Runs the checks of a step in their order and records what each found: outcome, evidence in the
 * content store, and the last lines of it for people. A check that breaks has the outcome `error`;
 * only trouble of our own (the content store, a stop or a standstill of the process) makes the whole
 * evaluation fail.
 */
import type { CheckResult, Clock } from '@writ/contracts';
import type { ContentStore } from '@writ/content-store';
import { described, itemsAsWritten, itemsOf, type CheckItem, type ChecksOf } from './check-items';
import { checkDetected } from './checks/check-detected';
import { checkDiff } from './checks/check-diff';
import { checkFiles } from './checks/check-files';
import { checkHttp } from './checks/check-http';
import { checkJsonSchema } from './checks/check-json-schema';
import { checkPattern } from './checks/check-pattern';
import { checkProgram } from './checks/check-program';
import { checkWorker } from './checks/check-worker';
import { CheckCutOff, CheckTrouble, type CheckContext, type Verdict } from './checks/verdict';

const TAIL_LINES = 20;
const TAIL_CHARACTERS = 4_000;

export interface Keeping {
  readonly content: Pick<ContentStore, 'put'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Takes secrets out of what is kept. */
  readonly redact: (text: string) => string;
}

export async function runChecks(
  work: ChecksOf,
  context: CheckContext,
  keeping: Keeping,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const item of await itemsOf(work.checks, context)) {
    context.signal.throwIfAborted();
    const started = keeping.clock.now();
    const verdict = await verdictOf(item, context);
    const durationMs = Math.round(keeping.clock.now() - started);
    results.push(await record(work, item, verdict, durationMs, keeping));
  }
  return results;
}

/** The results of checks that there is nothing to carry out on. */
export async function allInError(
  work: ChecksOf,
  message: string,
  keeping: Keeping,
): Promise<CheckResult[]> {
  const items = itemsAsWritten(work.checks, message);
  return Promise.all(
    items.map((item) => record(work, item, { outcome: 'error', message }, 0, keeping)),
  );
}

async function verdictOf(item: CheckItem, context: CheckContext): Promise<Verdict> {
  try {
    return await carriedOut(item, context);
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof CheckCutOff) throw error;
    const message = error instanceof CheckTrouble ? error.message : `it broke: ${String(error)}`;
    return { outcome: 'error', message };
  }
}

async function carriedOut(item: CheckItem, context: CheckContext): Promise<Verdict> {
  const { check, detected, trouble } = item;
  if (trouble !== undefined) throw new CheckTrouble(trouble);
  switch (check.kind) {
    case 'files':
      return checkFiles(check, context);
    case 'json-schema':
      return checkJsonSchema(check, context);
    case 'program':
      return checkProgram(check, context);
    case 'pattern':
      return checkPattern(check, context);
    case 'http':
      return checkHttp(check, context);
    case 'worker':
      return checkWorker(check, context);
    case 'diff':
      return checkDiff(check, context);
    case 'detected':
      if (detected === undefined) throw new CheckTrouble('nothing was detected');
      return checkDetected(check, detected, detected.files, context);
    case 'human':
      throw new CheckTrouble('people are asked by the planner, not here');
  }
}

/** Evidence is kept of every check: what it looked at or what was said, and else what it found. */
async function record(
  work: ChecksOf,
  item: CheckItem,
  verdict: Verdict,
  durationMs: number,
  { content, redact }: Keeping,
): Promise<CheckResult> {
  const { log = '', ...found } = verdict;
  const text = redact(log === '' && found.argv === undefined ? `${found.message}\n` : log);
  const { digest: logDigest } = await content.put(Buffer.from(text));
  const result = { ...described(work, item), ...found, durationMs, logDigest };
  return log === '' ? result : { ...result, tail: tailOf(text) };
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
