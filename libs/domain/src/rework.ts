/**
 * Rework: a step runs again with what was found wrong with its result. Owns what the next attempt is
 * told, and when another one is not worth it.
 */
import type { ArtifactRef, CheckResult, Confidence, Rework, StepRun } from '@writ/contracts';
import { canonicalJson } from '@writ/contracts';

/** What an attempt that was sent back had made, to be compared with the next. */
export interface Attempted {
  readonly score: number | null;
  /** Two attempts with the same text made the same. */
  readonly made: string;
}

export function attempted({ artifacts }: StepRun, confidence: Confidence | null): Attempted {
  const made = artifacts.map(({ path, digest }: ArtifactRef) => [path, digest]).sort();
  return { score: confidence?.score ?? null, made: canonicalJson(made) };
}

/** Why there is to be no further rework; undefined when there may be. */
export function reworkIsOver(
  before: readonly Attempted[],
  now: Attempted,
  maxReworkCycles: number,
): string | undefined {
  if (before.length >= maxReworkCycles) {
    return maxReworkCycles === 0
      ? 'no rework is allowed'
      : `${count(before.length)} did not mend it`;
  }
  const last = before.at(-1);
  if (last === undefined) return undefined;
  if (now.made === last.made) return 'the rework made the same again';
  if (now.score !== null && last.score !== null && now.score <= last.score) {
    return `the rework did not make it better (score ${last.score}, then ${now.score})`;
  }
  return undefined;
}

const count = (cycles: number) => (cycles === 1 ? 'one rework' : `${cycles} reworks`);

/** What the checks found, for the next attempt. */
export function reworkAfterChecks(
  run: StepRun,
  checks: readonly CheckResult[],
  summary: string,
): Rework {
  return {
    instructions: `Mend what the checks found: ${summary}`,
    checks: checks.map(({ name, outcome, message, tail }) => ({
      ...{ name, passed: outcome === 'passed' },
      output: [message, tail].filter((text) => text !== undefined && text !== '').join('\n'),
    })),
    previous: previousOf(run),
    continues: true,
  };
}

/** The branch has moved under it: the next attempt begins at the branch, with the diff to go by. */
export function reworkAfterConflict(
  run: StepRun,
  message: string,
  paths: readonly string[],
): Rework {
  const where = paths.length === 0 ? '' : ` (${paths.join(', ')})`;
  return {
    instructions: `Make the change again on what the branch holds by now: ${message}${where}`,
    checks: [{ name: 'merge', passed: false, output: message }],
    previous: previousOf(run),
    continues: false,
  };
}

function previousOf({ runId, commit, artifacts }: StepRun): Rework['previous'] {
  return { runId, artifacts, ...(commit === undefined ? {} : { commit }) };
}
