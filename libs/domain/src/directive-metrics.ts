/**
 * The figures of one directive: sums over its runs, the critical path, and how many runs there were at
 * the same time. Made from an account of its events (see `metrics-account.ts`).
 */
import type { DirectiveMetrics, RunMetrics } from '@writ/contracts';
import type { StepState } from './chain';
import { msBetween, type MetricsAccount } from './metrics-account';
import { peopleOf, runMetrics } from './run-metrics';

/** Undefined when the log has no such directive. */
export function directiveMetrics(account: MetricsAccount): DirectiveMetrics | undefined {
  const { directive, reworks } = account;
  if (directive.status === 'absent') return undefined;
  const now = account.lastAt ?? directive.createdAt;
  const { startedAt, completedAt } = directive;
  const steps = [...directive.chain];
  const runs = [...account.runs.values()].map(runMetrics);
  const sum = (of: (run: RunMetrics) => number | null) =>
    runs.reduce((total, run) => total + (of(run) ?? 0), 0);
  const made = steps.flatMap(({ run }) => run?.artifacts ?? []);
  return {
    ...{ kind: 'directive', directiveId: directive.id, status: directive.status },
    ...{ generation: directive.generation, createdAt: directive.createdAt },
    ...{ startedAt, endedAt: completedAt },
    wallMs: startedAt === null ? 0 : msBetween(startedAt, completedAt ?? now),
    statusMs: account.statusMs,
    steps: { total: steps.length, byStatus: counted(steps.map(({ status }) => status)) },
    runs: {
      total: runs.length,
      byResult: counted(runs.map(({ result }) => result ?? 'under_way')),
      cached: sum(({ cached }) => +cached),
    },
    claims: sum(({ claims }) => claims),
    tries: sum(({ tries }) => tries),
    retries: sum(({ retries }) => retries),
    reworks,
    queueMs: sum(({ queueMs }) => queueMs),
    runMs: sum(({ durationMs }) => durationMs),
    evaluationMs: sum(({ validation }) => validation.durationMs),
    peopleMs: sum(({ people }) => people.waitedMs) + peopleOf(account.asked).waitedMs,
    validation: validationOf(runs),
    artifacts: { count: made.length, bytes: made.reduce((bytes, it) => bytes + it.bytes, 0) },
    cleanliness: mean(runs.flatMap(({ cleanliness }) => cleanliness ?? [])),
    usage: {
      inputTokens: sum(({ usage }) => usage.inputTokens),
      outputTokens: sum(({ usage }) => usage.outputTokens),
      costUsd: sum(({ usage }) => usage.costUsd),
    },
    criticalPath: criticalPathOf(steps, completedAt ?? now),
    parallelism: parallelismOf(account),
  };
}

function counted(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

function validationOf(runs: readonly RunMetrics[]): DirectiveMetrics['validation'] {
  const counts = { passed: 0, failed: 0, undecided: 0, none: 0 };
  for (const { validation } of runs) {
    if (validation.status !== 'pending') counts[validation.status] += 1;
  }
  return counts;
}

const mean = (values: readonly number[]) =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

/** From when a step was first started, all attempts and the waiting between them, to its end. */
function elapsedOf({ startedAt, completedAt }: StepState, now: string): number {
  return startedAt === null ? 0 : msBetween(startedAt, completedAt ?? now);
}

/** Each step takes the longest of the ways that lead to it; a chain is no loop, so each comes once. */
function criticalPathOf(
  steps: readonly StepState[],
  now: string,
): DirectiveMetrics['criticalPath'] {
  const longest = new Map<string, { ms: number; before: string | undefined }>();
  const elapsed = new Map(steps.map((step) => [step.spec.name, elapsedOf(step, now)]));
  for (const { spec } of inOrder(steps)) {
    let before: string | undefined;
    for (const name of spec.dependsOn) {
      const ms = longest.get(name)?.ms ?? 0;
      if (before === undefined || ms > (longest.get(before)?.ms ?? 0)) before = name;
    }
    const ms = (longest.get(before ?? '')?.ms ?? 0) + (elapsed.get(spec.name) ?? 0);
    longest.set(spec.name, { ms, before });
  }
  let last: string | undefined;
  for (const [name, { ms }] of longest) {
    if (ms > (longest.get(last ?? '')?.ms ?? 0)) last = name;
  }
  const durationMs = longest.get(last ?? '')?.ms ?? 0;
  const path: { step: string; elapsedMs: number }[] = [];
  for (let step = last; step !== undefined; step = longest.get(step)?.before) {
    path.unshift({ step, elapsedMs: elapsed.get(step) ?? 0 });
  }
  return { steps: path, durationMs };
}

/** What a step depends on before it. */
function inOrder(steps: readonly StepState[]): StepState[] {
  const byName = new Map(steps.map((step) => [step.spec.name, step]));
  const missing = new Map(steps.map(({ spec }) => [spec.name, new Set(spec.dependsOn).size]));
  const dependents = new Map<string, string[]>();
  for (const { spec } of steps) {
    for (const name of new Set(spec.dependsOn)) {
      dependents.set(name, [...(dependents.get(name) ?? []), spec.name]);
    }
  }
  const order = steps.filter(({ spec }) => missing.get(spec.name) === 0);
  for (const { spec } of order) {
    for (const name of dependents.get(spec.name) ?? []) {
      const left = (missing.get(name) ?? 0) - 1;
      missing.set(name, left);
      const next = byName.get(name);
      if (left === 0 && next !== undefined) order.push(next);
    }
  }
  return order;
}

function parallelismOf(account: MetricsAccount): DirectiveMetrics['parallelism'] {
  const marks: [at: number, more: number][] = [];
  for (const { startedAt, claimed, ended } of account.runs.values()) {
    const since = Date.parse(claimed[0]?.at ?? startedAt ?? '');
    const until = Date.parse(ended?.at ?? account.lastAt ?? '');
    if (until > since) marks.push([since, 1], [until, -1]);
  }
  // Of those at the same time the ends first: what follows upon something is not beside it.
  marks.sort(([a, more], [b, other]) => a - b || more - other);
  let [now, most, busy, sum, last] = [0, 0, 0, 0, 0];
  for (const [at, more] of marks) {
    if (now > 0) [busy, sum] = [busy + at - last, sum + now * (at - last)];
    [now, last] = [now + more, at];
    most = Math.max(most, now);
  }
  return { most, average: busy === 0 ? null : sum / busy };
}
