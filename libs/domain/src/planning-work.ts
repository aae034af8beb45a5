/**
 * The work of a run that plans: what the planner of a directive is told, and where its plan is looked
 * for. A program reads it on stdin and says its plan on stdout, or writes it into the file; a worker
 * finds it in its input.
 */
import { PLAN_STEP, Retry, subjects, type Adapter, type RunWork } from '@writ/contracts';
import type { WorkItem } from './directive-work';
import type { Directive } from './directive-state';

/** In the workspace of the run. */
export const PLAN_FILE = 'plan.json';
const USUAL_LIMIT_MS = 1_800_000;

export function planningWork(state: Directive): WorkItem | undefined {
  const { planning, spec, id, workspace, submitted } = state;
  const { adapter, timeoutMs = USUAL_LIMIT_MS } = spec.planner;
  const runId = planning?.runId;
  if (planning === null || runId === undefined || adapter === undefined || submitted !== null) {
    return undefined;
  }
  const { path, branch, baseCommit } = workspace ?? {};
  const data: RunWork = {
    ...{ runId, directiveId: id, generation: planning.generation, step: PLAN_STEP, type: 'plan' },
    ...{ attempt: planning.attempt, adapter: told(adapter, planningRequest(state)), timeoutMs },
    ...{ retry: Retry.parse({}), idempotent: true, cache: false, inputs: [], dependencies: [] },
    ...{ outputs: [fileOf(adapter)], verify: 'none', autonomy: spec.autonomy },
    workspace: { spec: spec.workspace, path, branch, baseCommit },
  };
  const subject = subjects.work(adapter.kind);
  const stream = `run-${runId}`;
  const { since } = planning;
  return { subject, type: 'writ.work', data, id: runId, stream, since, limitMs: timeoutMs };
}

const fileOf = (adapter: Adapter): string =>
  ('stdoutTo' in adapter ? adapter.stdoutTo : undefined) ?? PLAN_FILE;

/** Where the plan is among the artifacts of the run. */
export const planFileOf = ({ planner }: Directive['spec']): string =>
  planner.adapter === undefined ? PLAN_FILE : fileOf(planner.adapter);

function told(adapter: Adapter, request: object): Adapter {
  switch (adapter.kind) {
    case 'program':
      return { stdin: JSON.stringify(request), stdoutTo: PLAN_FILE, ...adapter };
    default:
      return adapter;
  }
}

/** Everything that a plan is made of. */
function planningRequest({ id, spec, planning, chain }: Directive): object {
  const { title, goal, requirements, acceptanceCriteria, constraints, limits, variables } = spec;
  return {
    ...{ directiveId: id, title, goal, requirements, acceptanceCriteria, constraints, limits },
    ...{ variables, generation: planning?.generation, reason: planning?.reason ?? null },
    /** What was wrong with the plan before. */
    issues: planning?.issues ?? [],
    /** The chain that the plan takes the place of. */
    steps: [...chain].map(({ spec: step, status, failure }) => ({
      ...{ name: step.name, description: step.description, status },
      failure: failure?.message ?? null,
    })),
  };
}
