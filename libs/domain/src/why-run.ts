/**
 * Why a run is as it is, by what its executors have recorded: who holds it, how its tries went, and,
 * when it was executed, why no earlier success could stand in for it: the one that is nearest to it,
 * component by component.
 */
import type { Because, InputBundle, RunEnded, Why } from '@writ/contracts';
import { bundleDifference } from './bundle';
import type { RunState } from './run';
import { waysOut } from './ways-out';
import { because, line } from './why-step';

/** A run that succeeded, as far as it can be compared with another. */
export interface Success {
  readonly runId: string;
  readonly bundle: InputBundle;
  /** It may not stand in for another run. */
  readonly cacheable: boolean;
}

export interface AroundRun {
  /** Somebody renews its lease. */
  readonly isHeld: boolean;
  /** Runs of such steps that had succeeded before it was claimed, the latest first. */
  readonly successes: readonly Success[];
}

/** What each component of a bundle stands for. */
const inWords: Readonly<Record<string, string>> = {
  schemaVersion: 'the form of the bundle itself',
  adapter: 'the adapter or its version',
  command: 'the command, its arguments or its variables',
  inputs: 'the files that lie beside the directive',
  dependencies: 'what the steps before it made',
  checks: 'its checks',
  workspace: 'the files of the workspace',
  environment: 'the environment that it may see',
  outputs: 'the outputs that it declares',
  rework: 'what it is told of the attempt before',
};

export function whyRunIs(runId: string, state: RunState, around: AroundRun): Why {
  switch (state.status) {
    case 'pending':
      return why(runId, 'pending', [because('run', 'no executor has begun with it', null)]);
    case 'claimed': {
      const { executorId, claim } = state.claimed;
      const tries = state.attempts.map(({ attempt, error, startedAt }) =>
        because('retry', `try ${attempt} failed: ${line(error?.message ?? '')}`, startedAt),
      );
      const holds = around.isHeld
        ? because('run', `${executorId} works on it (claim ${claim})`, state.claimedAt)
        : because(
            'lease',
            `${executorId} (claim ${claim}) gives no sign of life; another executor takes it over`,
            state.claimedAt,
            waysOut.doctor(),
          );
      return why(runId, 'processing', [holds, ...tries, ...executed(state.claimed, around)]);
    }
    case 'ended':
      return why(runId, state.ended.result, ended(state.ended, around));
  }
}

const why = (id: string, state: string, causes: Because[]): Why => ({ id, state, because: causes });

function ended(end: RunEnded, around: AroundRun): Because[] {
  const at = end.stages.at(-1)?.endedAt ?? null;
  if (end.result === 'skipped') {
    const from = end.source?.runId ?? '';
    const text = `run ${from} had succeeded with the same inputs; this one hands out what that made`;
    return [because('cache_hit', text, at, null)];
  }
  const { error, executorId, runId } = end;
  const result =
    error === undefined
      ? because('run', `it ended as ${end.result} on ${executorId}`, at)
      : because(
          error.kind,
          `it ended as ${end.result}: ${line(error.message)}`,
          at,
          waysOut.logs(runId),
        );
  return [result, ...executed(end, around)];
}

/** Why it was executed, and not skipped. */
function executed(
  { bundle, runId }: Pick<RunEnded, 'bundle' | 'runId'>,
  { successes }: AroundRun,
): Because[] {
  if (bundle === undefined) {
    return [because('cache', 'it ended before its inputs were known', null)];
  }
  const others = successes.filter((it) => it.runId !== runId);
  const same = others.find((it) => it.bundle.hash === bundle.hash);
  if (same !== undefined) {
    const why = same.cacheable
      ? 'it was not kept: its step did not pass, or it ended too late'
      : 'its step says "cache: false"';
    const text = `run ${same.runId} succeeded with the same inputs, but could not stand in: ${why}`;
    return [because('cache', text, null)];
  }
  const [nearest] = others
    .map((it) => ({ ...it, differs: bundleDifference(bundle, it.bundle) }))
    .sort((one, other) => one.differs.length - other.differs.length);
  if (nearest === undefined) {
    return [because('cache_miss', 'it was executed: no such step had succeeded before', null)];
  }
  const first = `it was executed: the nearest success is run ${nearest.runId}, which differs in ${nearest.differs.length} of its inputs`;
  return [
    because('cache_miss', first, null, waysOut.runInfo(nearest.runId)),
    ...nearest.differs.map((name) => changed(name, bundle, nearest.bundle)),
  ];
}

function changed(name: string, now: InputBundle, then: InputBundle): Because {
  const short = (digest: string | undefined) =>
    digest?.slice(0, 'sha256:'.length + 12) ?? 'nothing';
  const what = inWords[name] ?? 'a part of the inputs';
  const text = `${name} changed (${what}): ${short(then.components[name])} -> ${short(now.components[name])}`;
  return because(`changed:${name}`, text, null);
}
