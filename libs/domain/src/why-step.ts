/**
 * Why a step is as it is: the chain of causes, the nearest first, in plain words. Owns the words of
 * each status of a step; those of a directive are in `why.ts`, those of a run in `why-run.ts`.
 *
 * Y1 Every status has its words: another one is an error of the compiler until it has.
 * Y2 Nothing here decides: each cause is told from the state that decisions are made on.
 */
import {
  streamOf,
  subjects,
  type ApprovalType,
  type Because,
  type RecordedEvent,
  type RunEvent,
  type StepStatus,
} from '@writ/contracts';
import { isPending, type Approval } from './approvals';
import { isIdle, type StepState } from './chain';
import { legalFrom } from './directive-orders';
import type { Directive } from './directive-state';
import { waysOut } from './ways-out';

/** Work of a kind: what waits for its turn, and what somebody has taken. */
export interface Queue {
  readonly waiting: number;
  readonly inHands: number;
}

/** What a directive's state does not say. */
export interface Surroundings {
  /** By subject; absent when nobody could say. */
  readonly queues: ReadonlyMap<string, Queue>;
  /** Of streams that work leaves traces in, the last event, by stream. */
  readonly last: ReadonlyMap<string, RecordedEvent>;
}

type Words = (state: Directive, step: StepState, around: Surroundings) => Because[];

export const because = (
  kind: string,
  text: string,
  since: string | null,
  unblock: string | null = null,
): Because => ({ kind, text, since, unblock });

/** Y1 */
const words: Readonly<Record<StepStatus, Words>> = {
  pending: (state, step) => (step.waitsFor === 0 ? ready(state, step) : dependencies(state, step)),
  running,
  evaluating: (_, step, around) => {
    const subject = subjects.evaluate('run');
    const said = inQueue(around, subject, 'a verifier', step.since);
    const text = `the checks of ${name(step)} are under way`;
    return [said ?? because('evaluation', text, step.since)];
  },
  merging: (_, step, around) => {
    const subject = subjects.work('workspace');
    const said = inQueue(around, subject, 'an executor', step.since);
    const text = `what ${name(step)} made is being merged into the directive's branch`;
    return [said ?? because('merge', text, step.since)];
  },
  rework: (state, step) => {
    const { instructions = '' } = step.rework ?? {};
    const text = `${name(step)} is to run again (attempt ${step.attempt + 1}): ${line(instructions)}`;
    return [because('rework', text, step.since), ...ready(state, step)];
  },
  awaiting_approval: (state, step) => {
    const asked = [...state.approvals.values()].filter(
      (it) => isPending(it) && it.request.step === step.spec.name,
    );
    return asked.flatMap((it) => becauseOfApproval(it));
  },
  passed: (state, step) => [
    because('passed', `${name(step)} passed${judgement(step)}`, step.completedAt),
    ...[...state.approvals.values()]
      .filter((it) => it.status === 'approved' && it.request.run?.runId === step.runId)
      .flatMap((it) => becauseOfApproval(it)),
  ],
  stale: (state, step) => {
    const text = `${name(step)} passed before, and is to run again: what it was made from has changed`;
    const next = step.waitsFor === 0 ? ready(state, step) : dependencies(state, step);
    return [because('stale', text, step.since), ...next];
  },
  skipped: (_, step) => [
    because('skipped', `somebody decided to go on without ${name(step)}`, step.completedAt),
  ],
  failed: failure,
  blocked: (state, step, around) => {
    if (step.failure !== null || step.blockedBy === null) return failure(state, step);
    const text = `${name(step)} can never start: it needs ${quoted(step.blockedBy)}, which did not pass`;
    const cause = state.chain.get(step.blockedBy);
    const causes = cause === undefined ? [] : whyStepIs(state, cause, around);
    return [because('dependency', text, step.since), ...causes];
  },
  cancelled: (state, step) => {
    const text = `${name(step)} was cancelled: the directive is ${state.status}`;
    return [because('cancelled', text, step.since)];
  },
};

export function whyStepIs(state: Directive, step: StepState, around: Surroundings): Because[] {
  return words[step.status](state, step, around);
}

const quoted = (text: string) => `"${text}"`;
const name = (step: StepState) => `step ${quoted(step.spec.name)}`;
const MOST_CHARACTERS = 300;
/** What somebody wrote, as a part of a sentence. */
export function line(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  return flat.length <= MOST_CHARACTERS ? flat : `${flat.slice(0, MOST_CHARACTERS - 1)}…`;
}

function judgement({ confidence, run }: StepState): string {
  const cached = run?.sourceRunId === undefined ? '' : `, with what run ${run.sourceRunId} made`;
  if (confidence === null) return `: no check was asked for${cached}`;
  const score = confidence.score === null ? '' : ` (score ${confidence.score})`;
  return ` as ${confidence.level}${score}${cached}`;
}

/** Nothing that it needs is missing: what keeps it is the directive, or a limit. */
function ready(state: Directive, step: StepState): Because[] {
  if (state.status !== 'active') {
    const since = state.suspension?.since ?? state.movingSince ?? step.since;
    const reason = state.reason === null ? '' : `: ${line(state.reason)}`;
    const text = `${name(step)} could start, but the directive is ${state.status}${reason}`;
    return [because(state.status, text, since, wayOutOf(state))];
  }
  const text = `${name(step)} ${limitOf(state, step)}`;
  return [because('limit', text, step.since)];
}

/** How a directive that is halted goes on. */
export const wayOutOf = ({ id, status, suspension }: Directive): string | null =>
  suspension?.wayOut ?? (status === 'paused' ? waysOut.resume(id) : null);

function limitOf(state: Directive, { spec, runId }: StepState): string {
  if (runId !== null && state.ending.has(runId)) {
    return `starts anew when its run ${runId}, which was cancelled, has ended`;
  }
  const { maxParallelSteps, groups } = state.spec.limits;
  const active = state.chain.active();
  if (active.length >= maxParallelSteps) {
    return `waits for its turn: ${active.length} steps run, and maxParallelSteps is ${maxParallelSteps}`;
  }
  const key = spec.concurrencyKey;
  const holder = active.find((it) => key !== undefined && it.spec.concurrencyKey === key);
  if (holder !== undefined) return `waits for ${name(holder)}, which holds the key "${key}"`;
  const { group } = spec;
  const most = group === undefined ? undefined : groups?.[group];
  const beside = active.filter((it) => it.spec.group === group).length;
  if (most !== undefined && beside >= most) {
    return `waits for its turn: ${beside} steps of group "${group}" run, and it may have ${most}`;
  }
  return 'can start, and starts with the next decision about its directive';
}

const isDone = ({ status }: StepState) => status === 'passed' || status === 'skipped';

/** The dependencies that have not passed, and why each has not. */
function dependencies(state: Directive, step: StepState): Because[] {
  const missing = step.spec.dependsOn
    .map((it) => state.chain.get(it))
    .filter((it) => it !== undefined && !isDone(it)) as StepState[];
  const names = missing.map((it) => `${quoted(it.spec.name)} (${it.status.replaceAll('_', ' ')})`);
  const text = `${name(step)} needs ${names.join(', ')}`;
  return [because('dependency', text, step.since)];
}

/** The steps at which the way back along dependencies ends: those that are pending for no step. */
export function rootsOf(state: Directive, step: StepState): StepState[] {
  const seen = new Set<string>();
  const roots: StepState[] = [];
  const ahead = [step];
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    for (const needed of next.spec.dependsOn) {
      const found = state.chain.get(needed);
      if (found === undefined || isDone(found) || seen.has(needed)) continue;
      seen.add(needed);
      if (isIdle(found) && found.waitsFor > 0) ahead.push(found);
      else roots.push(found);
    }
  }
  return roots;
}

function running(_: Directive, step: StepState, around: Surroundings): Because[] {
  const { runId, attempt, since, spec } = step;
  const again = attempt === 1 ? '' : ` (attempt ${attempt})`;
  return whyRunning(around, runId ?? '', spec.adapter.kind, `${name(step)}${again}`, since);
}

/** Of a run that is under way, as far as the log tells of it. */
export function whyRunning(
  around: Surroundings,
  runId: string,
  kind: string,
  what: string,
  since: string,
): Because[] {
  const stream = streamOf.run(runId);
  const last = around.last.get(stream) as unknown as (RecordedEvent & RunEvent) | undefined;
  if (last === undefined) {
    const said = inQueue(around, subjects.work(kind), `an executor of "${kind}"`, since);
    const text = `${what} was given to the executors of "${kind}", and none has told of it yet`;
    return [said ?? because('run', text, since)];
  }
  switch (last.type) {
    case 'RunClaimed': {
      const { executorId, claim } = last.data;
      const over = claim === 1 ? '' : ` (claim ${claim}: the executor before it was lost)`;
      return [because('run', `${what} runs on ${executorId}${over}`, last.recordedAt)];
    }
    case 'RunAttemptFailed': {
      const { attempt: tried, error, retryInMs } = last.data.attempt;
      const wait = retryInMs === undefined ? '' : ` after ${retryInMs} ms`;
      const found = error === undefined ? 'it failed' : line(error.message);
      const text = `${what} is tried again${wait}: try ${tried} did not succeed: ${found}`;
      return [because('retry', text, last.recordedAt)];
    }
    case 'RunEnded': {
      const text = `the run of ${what} has ended (${last.data.result}), and is noted next`;
      return [because('run', text, last.recordedAt)];
    }
  }
}

/** What keeps work in its queue; undefined when it has been taken, or nobody can say. */
export function inQueue(
  { queues }: Surroundings,
  subject: string,
  who: string,
  since: string | null,
): Because | undefined {
  const queue = queues.get(subject);
  if (queue === undefined || queue.waiting === 0) return undefined;
  const { waiting, inHands } = queue;
  const pieces = waiting === 1 ? 'one piece of work waits' : `${waiting} pieces of work wait`;
  if (inHands > 0) {
    const text = `${pieces} in ${subject}, and ${inHands} ${inHands === 1 ? 'is' : 'are'} in hand`;
    return because('queue', text, since);
  }
  const text = `${pieces} in ${subject}, and nobody takes any: ${who} is missing`;
  return because('nobody_listens', text, since, waysOut.doctor());
}

function failure(state: Directive, step: StepState): Because[] {
  const { failure: found, runId, completedAt } = step;
  if (found === null) return [because('failed', `${name(step)} failed`, completedAt)];
  const text = `${name(step)} did not pass: ${line(found.message)}`;
  const kind = found.error?.kind === 'in_doubt' ? 'in_doubt' : found.kind;
  const mayRetry = legalFrom['retry-step'].includes(state.status);
  const retry = mayRetry ? waysOut.retry(state.id, step.spec.name) : null;
  const causes = [because(kind, text, completedAt, retry)];
  if (found.paths !== undefined && found.paths.length > 0) {
    causes.push(because('paths', `it is about ${line(found.paths.join(', '))}`, completedAt));
  }
  if (runId !== null && found.kind === 'run') {
    const said = `run ${runId} ended with ${found.error?.code ?? found.kind}; its log says more`;
    causes.push(because('run', said, completedAt, waysOut.logs(runId)));
  }
  if (step.sentBack.length > 0) {
    const times = step.sentBack.length === 1 ? 'once' : `${step.sentBack.length} times`;
    causes.push(because('rework', `it was sent back ${times} before`, step.startedAt));
  }
  return causes;
}

const subjectInWords: Readonly<Record<ApprovalType, (step: string) => string>> = {
  step_review: (step) => `what step "${step}" made`,
  plan_review: () => 'the plan',
  question: (step) => `the question of step "${step}"`,
  human_check: (step) => `a check of step "${step}"`,
};

export function becauseOfApproval(approval: Approval): Because[] {
  const { request, status, roles, votes, deadline, requestedAt, escalated, decidedAt } = approval;
  const { approvalId, digest, type, step, summary, policy, requester } = request;
  const subject = subjectInWords[type](step);
  const said = votes.map((vote) => {
    const comment = vote.comment === undefined ? '' : `: ${line(vote.comment)}`;
    return because('vote', `${vote.by} said ${vote.decision}${comment}`, vote.at);
  });
  if (status !== 'pending') {
    const text = `${subject} was ${status}`;
    return [because('approval', text, decidedAt), ...said];
  }
  const who = roles.length === 0 ? 'a person' : roles.join(' or ');
  const given = votes.filter((it) => it.decision === 'approve').length;
  const many = policy.quorum === 1 ? '' : `, ${given} of ${policy.quorum} have approved`;
  const until = deadline === null ? '' : `, until ${deadline}, then it ${expiry(approval)}`;
  const but = policy.excludeRequester ? `, not ${requester}, who asked for it` : '';
  const now = escalated ? ' (escalated)' : '';
  const text = `${subject} waits for ${who}${but}${now}${many}${until}: ${line(summary)}`;
  return [because('approval', text, requestedAt, waysOut.approve(approvalId, digest)), ...said];
}

const expiry = ({ request, escalated }: Approval) =>
  request.policy.onExpiry === 'escalate' && !escalated ? 'is escalated' : 'counts as denied';
