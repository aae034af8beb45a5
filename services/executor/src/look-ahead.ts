/**
 * Which steps of a plan would be taken from the run cache, as far as their input bundles can be known
 * before anything runs. Owns how far that is; the bundle is that of analysis, as when they run.
 *
 * B1 A step is known when all that it depends on are hits: then what it will be given is on record.
 * B2 In a workspace only steps that depend on nothing are known: what others leave there is not.
 * B3 Nothing is made or changed, and nobody waits for it longer than `LIMIT_MS`.
 */
import { realpath } from 'node:fs/promises';
import type {
  ArtifactRef,
  BundleOutlook,
  HistoryQuestion,
  PlannedStep,
  RunWork,
  StepHistory,
} from '@writ/contracts';
import type { Executor } from './executor';
import { StageFailed } from './stages/stage-log';
import { commitOf, gitLine } from './workspaces/git';

const LIMIT_MS = 2_000;
/** Those ask the cache together. */
const AT_ONCE = 16;

export interface Outlook {
  readonly bundle: BundleOutlook;
  readonly trouble?: StepHistory['trouble'];
  /** Of a hit: what it hands out. */
  readonly artifacts?: readonly ArtifactRef[];
}

type Tools = Pick<Executor, 'workshop' | 'cache' | 'clock' | 'logger'>;

export async function lookAhead(
  deps: Tools,
  { workspace: spec, steps }: HistoryQuestion,
): Promise<ReadonlyMap<string, Outlook>> {
  const seen = new Map<string, Outlook>();
  const deadline = deps.clock.now() + LIMIT_MS;
  const workspace = await findWorkspace(spec);
  if (workspace === undefined) return seen;
  const dependents = new Map<string, PlannedStep[]>();
  for (const step of steps) {
    for (const name of new Set(step.dependsOn)) {
      dependents.set(name, [...(dependents.get(name) ?? []), step]);
    }
  }
  const ready = steps.filter(({ dependsOn }) => dependsOn.length === 0);
  while (ready.length > 0 && deps.clock.now() <= deadline) {
    const some = ready.splice(0, AT_ONCE); // B3
    const outlooks = await Promise.all(some.map((it) => look(deps, workOf(it, workspace, seen))));
    some.forEach(({ name }, index) => seen.set(name, outlooks[index] ?? { bundle: 'unknown' }));
    if (spec.kind !== 'none') continue; // B2
    for (const dependent of new Set(some.flatMap(({ name }) => dependents.get(name) ?? []))) {
      const isKnown = dependent.dependsOn.every((it) => seen.get(it)?.bundle === 'hit');
      if (isKnown) ready.push(dependent); // B1
    }
  }
  return seen;
}

/** As the work would be sent; of a run that never is. */
function workOf(
  step: PlannedStep,
  workspace: RunWork['workspace'],
  seen: ReadonlyMap<string, Outlook>,
): RunWork {
  const { name, type, adapter, timeoutMs, retry, idempotent, cache, inputs, outputs } = step;
  return {
    ...{ runId: NO_RUN, directiveId: NO_DIRECTIVE, generation: 1, step: name, type, attempt: 1 },
    ...{ adapter, timeoutMs, retry, idempotent, cache, inputs, outputs, workspace },
    verify: step.verify,
    autonomy: 'guardrails',
    dependencies: step.dependsOn.map((it) => ({
      ...{ step: it, runId: NO_RUN, artifacts: [...(seen.get(it)?.artifacts ?? [])] },
    })),
  };
}
const NO_DIRECTIVE = '0000000000000000';
const NO_RUN = `${NO_DIRECTIVE}-g1-plan-a1`;

async function look({ workshop, cache, logger }: Tools, work: RunWork): Promise<Outlook> {
  try {
    const { bundle, comparable } = await workshop.analyse(work);
    if (!work.cache || !comparable) return { bundle: 'miss' };
    const found = await cache.look(bundle.hash, work.runId);
    return found === undefined
      ? { bundle: 'miss' }
      : { bundle: 'hit', artifacts: found.outcome.artifacts };
  } catch (error) {
    if (!(error instanceof StageFailed)) {
      logger.warn({ err: error, step: work.step }, 'a step of a plan cannot be looked at');
      return { bundle: 'unknown' };
    }
    const { code, message } = error.error;
    // Files beside the directive file are sent with it: what was never sent was never an input.
    if (code === 'input_missing') return { bundle: 'miss' };
    return { bundle: 'unknown', trouble: { code, message } };
  }
}

/** Where a new directive would begin; undefined where that is not known, or not here. */
async function findWorkspace(
  spec: HistoryQuestion['workspace'],
): Promise<RunWork['workspace'] | undefined> {
  if (spec.kind === 'none') return { spec };
  if (spec.kind === 'directory') {
    const path = await realpath(spec.path).catch(() => undefined);
    return path === undefined ? undefined : { spec, path };
  }
  const path = await realpath(spec.repository).catch(() => undefined);
  if (path === undefined) return undefined;
  const place = { cwd: path };
  const branch = spec.baseBranch ?? (await gitLine(['symbolic-ref', '--short', 'HEAD'], place));
  if (branch === undefined) return undefined;
  const baseCommit = await commitOf(`refs/heads/${branch}`, place);
  return baseCommit === undefined ? undefined : { spec, path, branch, baseCommit };
}
