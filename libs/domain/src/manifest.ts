/**
 * Manifests: the account of a run and of a directive, made from their events and nothing else, so
 * that the same events give the same bytes, whoever makes them and how often. When one is due is in
 * `manifest-account.ts`; sealing (storing the bytes, recording their digest) is the service's.
 */
import {
  type DirectiveEventData,
  type DirectiveManifest,
  type EvaluationCompleted,
  MANIFEST_SCHEMA_VERSION,
  type RecordedEvent,
  type RunEnded,
  type RunManifest,
} from '@writ/contracts';
import type { StepState } from './chain';
import type { Directive } from './directive-state';

export interface RunSources {
  readonly ended: RecordedEvent;
  readonly evaluation: RecordedEvent | null;
  /** The directive's event that closed the step: passed, failed, cancelled, or the directive's end. */
  readonly closed: RecordedEvent;
  /** As it was then; null when the directive never had a step of this run. */
  readonly step: StepState | null;
  /** The steps that it needed, as they were then. */
  readonly needed: readonly StepState[];
}

export function runManifest(sources: RunSources, engineVersion: string): RunManifest {
  const { ended, evaluation, closed, step, needed } = sources;
  const run = ended.data as RunEnded;
  const resolvedInputs = resolvedInputsOf(step, needed);
  return {
    kind: 'run',
    schemaVersion: MANIFEST_SCHEMA_VERSION,
    engineVersion,
    runId: run.runId,
    directiveId: run.directiveId,
    step: run.step,
    attempt: run.attempt,
    parentRunId: null,
    depth: 0,
    result: run.result,
    sourceRunId: run.source?.runId ?? null,
    template: null,
    inputBundle: run.bundle ?? null,
    resolvedInputs,
    compiledPromptDigest: null,
    adapter: { ...run.adapter, sandbox: run.sandbox ?? null },
    model: null,
    outputs: run.artifacts,
    deleted: run.deleted ?? [],
    dependencies: edgesOf(run, needed, resolvedInputs),
    validation: validationOf(evaluation, closed),
    impactDebt: [],
    stages: run.stages,
    attempts: run.attempts,
    usage: run.usage ?? null,
    durationMs: run.durationMs,
    transcript: run.transcript ?? null,
    commit: run.commit ?? null,
    events: [ended, evaluation, closed]
      .filter((event) => event !== null)
      .map(({ position, id, hash }) => ({ position, id, hash: hash ?? '' }))
      .sort((a, b) => a.position - b.position),
  };
}

function resolvedInputsOf(
  step: StepState | null,
  needed: readonly StepState[],
): RunManifest['resolvedInputs'] {
  const files = step?.spec.inputs ?? [];
  return [
    ...files.map(({ name, digest }) => ({ kind: 'file', name, digest })),
    ...needed.flatMap(({ spec, run }) =>
      (run?.artifacts ?? []).map(({ path, digest }) => {
        return { kind: 'artifact', name: `${spec.name}/${path}`, digest };
      }),
    ),
  ];
}

/** From this run to what it rests on, and to what it made; each once. */
function edgesOf(
  run: RunEnded,
  needed: readonly StepState[],
  inputs: RunManifest['resolvedInputs'],
): RunManifest['dependencies'] {
  const required = [
    ...needed.flatMap(({ runId }) => (runId === null ? [] : [runId])),
    ...inputs.map(({ digest }) => digest),
  ];
  const made = run.artifacts.map(({ digest }) => digest);
  return [
    ...[...new Set(required)].map((id) => ({ kind: 'requires' as const, id })),
    ...[...new Set(made)].map((id) => ({ kind: 'generates' as const, id })),
  ];
}

/** A run from the cache has no checks of its own: how its source was judged is what counts. */
function validationOf(
  evaluation: RecordedEvent | null,
  closed: RecordedEvent,
): RunManifest['validation'] {
  if (evaluation !== null) {
    const { confidence, checks } = evaluation.data as EvaluationCompleted;
    return { confidence, checks };
  }
  const { confidence } = closed.data as Partial<DirectiveEventData<'StepPassed'>>;
  return confidence ? { confidence, checks: [] } : null;
}

export interface DirectiveSources {
  /** As its last event left it. */
  readonly directive: Directive;
  /** That event. */
  readonly ended: RecordedEvent;
  /** By run, of those that were due by then: the digest of its manifest. */
  readonly manifestDigests: ReadonlyMap<string, string>;
}

export function directiveManifest(
  { directive, ended, manifestDigests }: DirectiveSources,
  engineVersion: string,
): DirectiveManifest {
  const { id, spec, generation, workspace, criteria, ledger, commit } = directive;
  return {
    kind: 'directive',
    schemaVersion: MANIFEST_SCHEMA_VERSION,
    engineVersion,
    directiveId: id,
    title: spec.title,
    status: directive.status,
    contentDigest: spec.contentDigest,
    generation,
    steps: [...directive.chain].map(({ spec: step, status, runId, run, confidence }) => ({
      step: step.name,
      status,
      runId,
      manifestDigest: manifestDigests.get(runId ?? '') ?? null,
      confidence,
      outputs: run?.artifacts ?? [],
    })),
    criteria: [...criteria],
    branch: workspace?.branch ?? null,
    commit,
    costUsd: ledger.spent.costUsd,
    createdAt: directive.createdAt,
    endedAt: directive.completedAt ?? ended.recordedAt,
    log: { position: ended.position, hash: ended.hash ?? '' },
  };
}
