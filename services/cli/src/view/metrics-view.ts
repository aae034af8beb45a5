/** The figures of a run or a directive as lines of text; what is nothing is left out. */
import type { DirectiveMetrics, RunMetrics } from '@writ/contracts';

import { bytes, duration, table } from './style';

type Rows = string[][];

export function metricsView(metrics: RunMetrics | DirectiveMetrics): string[] {
  return metrics.kind === 'run' ? runView(metrics) : directiveView(metrics);
}

function runView(run: RunMetrics): string[] {
  const { validation, people, artifacts } = run;
  const cached = run.cached ? ', from the run cache' : '';
  const facts: Rows = [
    ['run', run.runId],
    ['step', `${run.step}, attempt ${run.attempt}`],
    ['result', `${run.result ?? 'under way'}${cached}`],
    ...time('queue', run.queueMs),
    ...time('took', run.durationMs),
    ...run.stages.map(({ name, status, durationMs }) => [
      `  ${name}`,
      `${duration(durationMs)}, ${status}`,
    ]),
    ['tries', `${run.tries}, of them ${run.retries} again`],
    ...run.attempts.map(({ attempt, exitCode, signal, error, durationMs }) => [
      `  try ${attempt}`,
      `${duration(durationMs)}, ${signal ?? `exit ${exitCode ?? '?'}`}${error === null ? '' : ` (${error})`}`,
    ]),
    ...(run.claims > 1 ? [['taken over', `${run.claims - 1} times`]] : []),
    ['validation', validationText(validation)],
    ...time('checks took', validation.durationMs),
    ...peopleRow(people.waitedMs, people.waitingSince),
    ['artifacts', artifactsText(artifacts, artifacts.deleted)],
    ...cleanlinessRow(run.cleanliness),
    ...usageRow(run.usage),
  ];
  return table(facts);
}

function directiveView(directive: DirectiveMetrics): string[] {
  const { steps, runs, validation, criticalPath, parallelism } = directive;
  const counts = (by: Readonly<Record<string, number | undefined>>) =>
    Object.entries(by)
      .filter(([, count]) => count !== undefined && count > 0)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ');
  const cached = runs.cached === 0 ? '' : `; ${runs.cached} from the run cache`;
  const average =
    parallelism.average === null ? '' : `, ${parallelism.average.toFixed(2)} on average`;
  const facts: Rows = [
    ['directive', directive.directiveId],
    ['status', `${directive.status}, generation ${directive.generation}`],
    ...time('took', directive.startedAt === null ? null : directive.wallMs),
    ...Object.entries(directive.statusMs).map(([name, ms]) => [`  ${name}`, duration(ms)]),
    ['steps', `${steps.total}: ${counts(steps.byStatus)}`],
    ['runs', `${runs.total}: ${counts(runs.byResult)}${cached}`],
    ['tries', `${directive.tries}, of them ${directive.retries} again`],
    ['rework', String(directive.reworks)],
    ['queue', duration(directive.queueMs)],
    ['running', duration(directive.runMs)],
    ['checks', `${duration(directive.evaluationMs)}; ${counts(validation)}`],
    ...peopleRow(directive.peopleMs, null),
    ['artifacts', artifactsText(directive.artifacts, 0)],
    ...cleanlinessRow(directive.cleanliness),
    ...usageRow(directive.usage),
    ['at a time', `${parallelism.most} at most${average}`],
    ['longest way', wayText(criticalPath)],
  ];
  return table(facts);
}

const MOST_STEPS = 8;

/** Of many steps those that took longest, in their order. */
function wayText({ durationMs, steps }: DirectiveMetrics['criticalPath']): string {
  const longest = [...steps].sort((a, b) => b.elapsedMs - a.elapsedMs).slice(0, MOST_STEPS);
  const shown = steps.filter((it) => longest.includes(it));
  const way = shown.map(({ step, elapsedMs }) => `${step} (${duration(elapsedMs)})`).join(' > ');
  const of = shown.length < steps.length ? `, ${steps.length} steps, the longest of them` : '';
  return `${duration(durationMs)}${of}${way === '' ? '' : `: ${way}`}`;
}

const time = (name: string, ms: number | null): Rows => (ms === null ? [] : [[name, duration(ms)]]);

function validationText({ status, score, checks }: RunMetrics['validation']): string {
  const { passed, failed, errors } = checks;
  const all = passed + failed + errors;
  const counted = all === 0 ? '' : `, ${passed} of ${all} checks passed`;
  const wrong = errors === 0 ? '' : `, ${errors} could not run`;
  return `${status}${score === null ? '' : `, score ${score}`}${counted}${wrong}`;
}

function peopleRow(waitedMs: number, waitingSince: string | null): Rows {
  const since = waitingSince === null ? [] : [`asked since ${waitingSince}`];
  const waited = waitedMs === 0 ? [] : [duration(waitedMs)];
  const text = [...waited, ...since].join(', ');
  return text === '' ? [] : [['people', text]];
}

function artifactsText({ count, bytes: size }: { count: number; bytes: number }, deleted: number) {
  return `${count}, ${bytes(size)}${deleted === 0 ? '' : `; ${deleted} removed`}`;
}

const cleanlinessRow = (share: number | null): Rows =>
  share === null ? [] : [['cleanliness', share.toFixed(2)]];

function usageRow({ inputTokens, outputTokens, costUsd }: RunMetrics['usage']): Rows {
  if (inputTokens + outputTokens + costUsd === 0) return [];
  return [['usage', `${inputTokens} tokens in, ${outputTokens} out, $${costUsd}`]];
}
