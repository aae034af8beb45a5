/** The figures of one run, from what the log says of it (see `metrics-account.ts`). */
import {
  directiveIdOf,
  type AttemptRecord,
  type CheckResult,
  type ConfidenceLevel,
  type RunMetrics,
} from '@writ/contracts';
import { msBetween, type Asked, type RunFacts } from './metrics-account';

export function runMetrics(facts: RunFacts): RunMetrics {
  const { runId, step, attempt, startedAt = null, claimed, ended } = facts;
  const end = ended?.data;
  const attempts = triesOf(facts);
  // What answers within the executor's process tells of no tries: its success is one.
  const tries = Math.max(attempts.length, end?.result === 'success' ? 1 : 0);
  const claims = Math.max(claimed.length, end?.claim ?? 0);
  const first = new Set(attempts.map(({ claim }) => claim)).size;
  const firstClaim = claimed[0]?.at;
  return {
    ...{ kind: 'run', runId, directiveId: directiveIdOf(runId), step, attempt },
    result: end?.result ?? null,
    cached: end?.source !== undefined,
    ...{ startedAt, endedAt: ended?.at ?? null },
    queueMs:
      startedAt === null || firstClaim === undefined ? null : msBetween(startedAt, firstClaim),
    durationMs: end?.durationMs ?? null,
    stages: (end?.stages ?? claimed.at(-1)?.data.stages ?? []).map((stage) => ({
      name: stage.name,
      status: stage.status,
      durationMs: msBetween(stage.startedAt, stage.endedAt),
    })),
    ...{ claims, tries, retries: attempts.length - first },
    attempts: attempts.map((it) => ({
      claim: it.claim,
      attempt: it.attempt,
      durationMs: it.durationMs,
      exitCode: it.exitCode,
      signal: it.signal ?? null,
      error: it.error?.kind ?? null,
      retryInMs: it.retryInMs ?? null,
    })),
    exitCode: end?.exitCode ?? null,
    validation: validationOf(facts),
    people: peopleOf(facts.asked),
    artifacts: {
      count: end?.artifacts.length ?? 0,
      bytes: (end?.artifacts ?? []).reduce((sum, { bytes }) => sum + bytes, 0),
      deleted: end?.deleted?.length ?? 0,
    },
    cleanliness: cleanlinessOf(facts, tries),
    usage: end?.usage ?? { inputTokens: 0, outputTokens: 0, costUsd: 0 },
  };
}

/** Each once: the end of a run tells again of those that were told when they failed. */
function triesOf({ failed, ended }: RunFacts): AttemptRecord[] {
  const tries = new Map<string, AttemptRecord>();
  for (const it of [...failed, ...(ended?.data.attempts ?? [])]) {
    tries.set(`${it.claim} ${it.attempt}`, it);
  }
  return [...tries.values()].sort((a, b) => a.claim - b.claim || a.attempt - b.attempt);
}

const statusOf = { green: 'passed', yellow: 'undecided', unknown: 'undecided', red: 'failed' };

function validationOf({ evaluation, evaluatingSince, ended }: RunFacts): RunMetrics['validation'] {
  const { confidence, checks = [], durationMs = null } = evaluation?.data ?? {};
  const judged = confidence ?? ended?.data.source?.confidence ?? null;
  const level = (judged?.level ?? null) as ConfidenceLevel | null;
  const count = (outcome: CheckResult['outcome']) =>
    checks.filter((check) => check.outcome === outcome).length;
  const isPending = evaluation === undefined && evaluatingSince !== undefined;
  const said = level === null ? 'none' : statusOf[level];
  return {
    status: (isPending ? 'pending' : said) as RunMetrics['validation']['status'],
    ...{ level, score: judged?.score ?? null, durationMs },
    checks: { passed: count('passed'), failed: count('failed'), errors: count('error') },
    elapsedMs:
      evaluation === undefined || evaluatingSince === undefined
        ? null
        : msBetween(evaluatingSince, evaluation.at),
  };
}

export function peopleOf(asked: readonly Asked[]): RunMetrics['people'] {
  const waited = asked.map(({ since, until }) =>
    until === undefined ? 0 : msBetween(since, until),
  );
  return {
    asked: asked.length,
    waitedMs: waited.reduce((sum, ms) => sum + ms, 0),
    waitingSince: asked.find(({ until }) => until === undefined)?.since ?? null,
  };
}

/**
 * How cleanly it went: the share of its checks, by weight, that passed (1 without checks; one that
 * could not run has not passed), divided by the tries it took. 0 for what did not succeed.
 */
function cleanlinessOf({ ended, evaluation, evaluatingSince }: RunFacts, tries: number) {
  if (ended === undefined || (evaluatingSince !== undefined && evaluation === undefined)) {
    return null;
  }
  const { result, source } = ended.data;
  if (result !== 'success' && result !== 'skipped') return 0;
  const checks = evaluation?.data.checks ?? [];
  const weigh = (some: readonly CheckResult[]) => some.reduce((sum, it) => sum + it.weight, 0);
  const passed = weigh(checks.filter(({ outcome }) => outcome === 'passed'));
  const all = weigh(checks);
  const share = all > 0 ? passed / all : (source?.confidence?.score ?? 1);
  return share / Math.max(1, tries);
}
