/**
 * What metrics of a directive and its runs are made from: taken from the events in the order of the
 * log, one at a time, and nothing else is looked at. The figures are in `run-metrics.ts` and
 * `directive-metrics.ts`.
 *
 * M1 Times between two events are the database's; how long something took within one process is
 *    what that process said.
 * M2 An event counts for its own run or directive alone, whoever else is in the log.
 */
import type {
  AttemptRecord,
  DirectiveEvent,
  EvaluationCompleted,
  RecordedEvent,
  RunClaimed,
  RunEnded,
} from '@writ/contracts';
import { evolveDirective } from './directive-evolution';
import { type DirectiveState, isFinal } from './directive-state';

/** People were asked, and until when. */
export interface Asked {
  readonly approvalId: string;
  readonly since: string;
  until?: string;
}

export interface RunFacts {
  readonly runId: string;
  step: string;
  attempt: number;
  startedAt?: string;
  claimed: { at: string; data: RunClaimed }[];
  failed: AttemptRecord[];
  ended?: { at: string; data: RunEnded };
  evaluatingSince?: string;
  evaluation?: { at: string; data: EvaluationCompleted };
  asked: Asked[];
}

export class MetricsAccount {
  /** In the order in which they first appear. */
  readonly runs = new Map<string, RunFacts>();
  readonly statusMs: Record<string, number> = {};
  /** What people were asked that is about no run: a plan, a question. */
  readonly asked: Asked[] = [];
  reworks = 0;
  private folded: DirectiveState = { status: 'absent' };
  /** When the last event of the directive's own stream was recorded. */
  private ofDirectiveAt = '';
  private last: { position: number; at: string } | undefined;

  constructor(private readonly directiveId: string) {}

  get directive(): DirectiveState {
    return this.folded;
  }

  /** Of the log; an event at or before it is not taken again. */
  get position(): number {
    return this.last?.position ?? 0;
  }

  /** When the last event was recorded. */
  get lastAt(): string | undefined {
    return this.last?.at;
  }

  take(event: RecordedEvent): void {
    if (event.position <= this.position) return;
    const { stream, recordedAt } = event;
    const id = stream.slice(stream.indexOf('-') + 1);
    if (stream === `directive-${this.directiveId}`) this.takeOfDirective(event);
    else if (!id.startsWith(`${this.directiveId}-`))
      return; // M2
    else if (stream.startsWith('run-')) takeOfRun(this.runOf(id), event);
    else if (event.type === 'EvaluationCompleted') {
      this.runOf(id).evaluation = { at: recordedAt, data: event.data as EvaluationCompleted };
    } else return;
    this.last = { position: event.position, at: recordedAt };
  }

  private takeOfDirective(recorded: RecordedEvent): void {
    const at = recorded.recordedAt;
    const { status } = this.folded;
    if (status !== 'absent' && !isFinal(status)) {
      this.statusMs[status] = (this.statusMs[status] ?? 0) + msBetween(this.ofDirectiveAt, at);
    }
    this.ofDirectiveAt = at;
    this.folded = evolveDirective(this.folded, recorded);
    const { type, data } = recorded as unknown as DirectiveEvent;
    switch (type) {
      case 'StepStarted':
        Object.assign(this.runOf(data.runId), { ...data, startedAt: at });
        return;
      case 'StepEvaluating':
        this.runOf(data.run.runId).evaluatingSince = at;
        return;
      case 'StepReworkRequested':
        this.reworks += 1;
        return;
      case 'ApprovalRequested':
        this.askedBy(data.run?.runId).push({ approvalId: data.approvalId, since: at });
        return;
      case 'ApprovalResolved':
      case 'ApprovalVoided':
        this.close(at, data.approvalId);
        return;
      default:
        if (this.folded.status !== 'absent' && isFinal(this.folded.status)) this.close(at);
    }
  }

  /** Nobody waits for people any more: about that approval, or about any. */
  private close(at: string, approvalId?: string): void {
    for (const asked of [this.asked, ...[...this.runs.values()].map((run) => run.asked)]) {
      for (const one of asked) {
        if (approvalId === undefined || one.approvalId === approvalId) one.until ??= at;
      }
    }
  }

  private askedBy(runId: string | undefined): Asked[] {
    return runId === undefined ? this.asked : this.runOf(runId).asked;
  }

  private runOf(runId: string): RunFacts {
    const known = this.runs.get(runId);
    if (known !== undefined) return known;
    const [, step = '', attempt = '0'] = /-g\d+-(.+)-a(\d+)$/.exec(runId) ?? [];
    const facts = { runId, step, attempt: Number(attempt), claimed: [], failed: [], asked: [] };
    this.runs.set(runId, facts);
    return facts;
  }
}

function takeOfRun(facts: RunFacts, { type, data, recordedAt }: RecordedEvent): void {
  if (type === 'RunClaimed') facts.claimed.push({ at: recordedAt, data: data as RunClaimed });
  if (type === 'RunAttemptFailed') facts.failed.push((data as { attempt: AttemptRecord }).attempt);
  if (type === 'RunEnded') facts.ended = { at: recordedAt, data: data as RunEnded };
}

/** Never below zero: what is noted later may have happened before. */
export function msBetween(since: string, until: string): number {
  return Math.max(0, Date.parse(until) - Date.parse(since));
}
