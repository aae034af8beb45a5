/**
 * What the checks of a step come to: one item for each result, with a name of its own. Which checks
 * the files ask for is found out here, once, before any of them runs and may change a file.
 */
import type { Check, CheckResult, EvaluateWork } from '@writ/contracts';
import { DEFAULT_WEIGHT, isRequired } from '@writ/domain';
import { detectIn, NOTHING_DETECTED, type DetectedHere } from './checks/check-detected';
import { CheckTrouble, type CheckContext } from './checks/verdict';
import type { Detected } from './detection/detected';

export interface CheckItem {
  readonly name: string;
  readonly check: Check;
  /** What the files ask for, when the check wants to know that. */
  readonly detected?: Detected & { readonly files: DetectedHere['files'] };
  /** Why it cannot be carried out at all. */
  readonly trouble?: string;
}

export type ChecksOf = Pick<EvaluateWork, 'checks' | 'acceptanceCriteriaIds'>;

const NAME_CHARACTERS = 120;
const DETECTED_LINT_WEIGHT = 0.5;

export async function itemsOf(
  checks: readonly Check[],
  context: CheckContext,
): Promise<CheckItem[]> {
  const items: Omit<CheckItem, 'name'>[] = [];
  for (const check of checks) {
    if (check.kind === 'detected') items.push(...(await detectedItems(check, context)));
    else items.push({ check });
  }
  return named(items);
}

/** As they are written, when there is nothing to look at. */
export const itemsAsWritten = (checks: readonly Check[], trouble: string): CheckItem[] =>
  named(checks.map((check) => ({ check, trouble })));

async function detectedItems(
  check: Extract<Check, { kind: 'detected' }>,
  context: CheckContext,
): Promise<Omit<CheckItem, 'name'>[]> {
  try {
    const { files, found } = await detectIn(check, context);
    if (found.length === 0) return [{ check, trouble: NOTHING_DETECTED }];
    return found.map((it) => ({ check, detected: { ...it, files } }));
  } catch (error) {
    context.signal.throwIfAborted();
    const message = error instanceof CheckTrouble ? error.message : `it broke: ${String(error)}`;
    return [{ check, trouble: message }];
  }
}

/** Criteria that the check does not name itself are those of its step. */
export function described(
  work: ChecksOf,
  { check, name, detected }: CheckItem,
): Omit<CheckResult, 'outcome' | 'message' | 'durationMs'> {
  const acceptanceCriteriaIds = check.acceptanceCriteriaIds ?? work.acceptanceCriteriaIds;
  // Nobody has asked for it: beside others that pass, style that is not right makes nothing red.
  const weighed = detected?.what === 'lint' && check.required === undefined;
  const usual = weighed ? DETECTED_LINT_WEIGHT : DEFAULT_WEIGHT;
  return {
    name,
    kind: detected === undefined ? check.kind : 'program',
    required: isRequired(check) && !weighed,
    weight: check.weight ?? usual,
    ...(acceptanceCriteriaIds.length === 0 ? {} : { acceptanceCriteriaIds }),
    ...(detected === undefined ? {} : { detected: { by: detected.by, what: detected.what } }),
  };
}

/** A name for each, none twice: reports and metrics refer to them. */
function named(items: readonly Omit<CheckItem, 'name'>[]): CheckItem[] {
  const used = new Map<string, number>();
  return items.map((item) => {
    const name = nameOf(item);
    const count = (used.get(name) ?? 0) + 1;
    used.set(name, count);
    return { ...item, name: count === 1 ? name : `${name} #${count}` };
  });
}

function nameOf({ check, detected }: Omit<CheckItem, 'name'>): string {
  const given = check.name;
  if (detected === undefined) return given ?? usualName(check).slice(0, NAME_CHARACTERS);
  return given === undefined ? detected.argv.join(' ') : `${given}: ${detected.what}`;
}

function usualName(check: Check): string {
  switch (check.kind) {
    case 'files':
      return `files ${check.paths.join(', ')}`;
    case 'json-schema':
      return `json-schema ${check.path}`;
    case 'program':
      return check.argv.join(' ');
    case 'pattern':
      return `${check.absent ? 'no ' : ''}pattern ${check.pattern}`;
    case 'http':
      return `http ${check.url}`;
    case 'worker':
      return `worker ${check.worker}`;
    case 'diff':
    case 'detected':
      return check.kind;
    case 'human':
      return check.question;
  }
}
