/**
 * A directive with a long life: many steps, each sent back by its checks again and again until a person
 * lets it pass, the last ones waiting for one. Made by the real decider, so that every event follows
 * from what was before; told in a moment, since nothing of it is executed. For measurements.
 */
import {
  approvalIdOf,
  DirectiveFile,
  isRefusal,
  type DirectiveEvent,
  type EvaluationCompleted,
  type RecordedEvent,
  type RunEnded,
} from '@writ/contracts';
import {
  directiveDecider,
  planExplicit,
  type Directive,
  type DirectiveCommand,
  type DirectiveState,
} from '@writ/domain';

export interface LongDirective {
  /** Without their places in the log. */
  readonly events: readonly Pick<RecordedEvent, 'type' | 'data' | 'metadata'>[];
  readonly state: Directive;
  /** What people are asked about. */
  readonly asked: readonly Judged[];
}

export interface Judged {
  readonly ended: RunEnded;
  readonly evaluation: EvaluationCompleted;
}

export interface HowLong {
  readonly directiveId: string;
  readonly steps: number;
  /** About so many. */
  readonly events: number;
  /** So many steps wait for a person at the end. */
  readonly waiting: number;
}

/** Started, evaluating, sent back. */
const EVENTS_OF_A_CYCLE = 3;
/** Started, evaluating, asked, voted, resolved, passed. */
const EVENTS_OF_A_STEP = 6;
const EVENTS_OF_ONE_THAT_WAITS = 3;
const actor = { kind: 'service' as const, id: 'test' };
const said = 'the second figure does not agree with the table; mend it and say why it did not';
const digestOf = (number: number) => `sha256:${number.toString(16).padStart(64, '0')}`;

export function longDirective({ directiveId, steps, events, waiting }: HowLong): LongDirective {
  const passing = steps - waiting;
  const telling = new Telling(directiveId, passing, waiting);
  const besides = passing * EVENTS_OF_A_STEP + waiting * EVENTS_OF_ONE_THAT_WAITS;
  const cycles = Math.max(0, events - besides) / EVENTS_OF_A_CYCLE;
  for (let step = 0; step < passing; step += 1) {
    const from = Math.round((cycles * step) / passing);
    const until = Math.round((cycles * (step + 1)) / passing);
    for (let told = from; told < until; told += 1) {
      telling.judge(step, 'red', ((told - from) / (until - from)) * 0.5);
    }
    telling.judge(step, 'yellow', 0.7);
    telling.approve(step);
  }
  for (let step = passing; step < steps; step += 1) telling.judge(step, 'yellow', 0.7);
  return telling;
}

class Telling implements LongDirective {
  readonly events: RecordedEvent[] = [];
  readonly asked: Judged[] = [];
  private folded: DirectiveState = directiveDecider.initial;
  private commands = 0;

  constructor(
    private readonly directiveId: string,
    passing: number,
    waiting: number,
  ) {
    const before = (at: number) => Math.min(at, passing) - 1;
    const steps = Array.from({ length: passing + waiting }, (_, at) => stepFile(at, before(at)));
    const directive = DirectiveFile.parse({
      ...{ title: 'A long one', goal: 'To be long', autonomy: 'guardrails' },
      limits: { maxParallelSteps: Math.max(1, waiting), maxReworkCycles: 100 },
      chain: { steps },
    });
    const plan = planExplicit(directive);
    if ('issues' in plan) throw new Error(JSON.stringify(plan.issues));
    const contentDigest = digestOf(1);
    const commandId = `create-${directiveId}`;
    this.decide({
      ...{ type: 'create', commandId, directiveId, contentDigest, start: true },
      ...plan,
    });
  }

  get state(): Directive {
    if (this.folded.status === 'absent') throw new Error('it was not created');
    return this.folded;
  }

  judge(at: number, level: 'red' | 'yellow', score: number): void {
    const { name: step, runId, attempt } = this.step(at);
    const about = { runId, directiveId: this.directiveId, step };
    const artifacts = [0, 1].map((number) => ({
      path: `out/${step}-${number}.json`,
      digest: digestOf(this.events.length * 2 + number),
      bytes: 5_120,
    }));
    const ended: RunEnded = {
      ...{ ...about, attempt, claim: 1, executorId: 'executor-1' },
      ...{ adapter: { kind: 'echo', version: '1' }, result: 'success', stages: [], attempts: [] },
      ...{
        exitCode: 0,
        artifacts,
        durationMs: 12,
        usage: { inputTokens: 800, outputTokens: 300, costUsd: 0.01 },
      },
    };
    const check = { kind: 'files', required: false, weight: 1, durationMs: 3 };
    const evaluation: EvaluationCompleted = {
      ...{ ...about, durationMs: 4, confidence: { score, level }, summary: said },
      checks: ['one', 'two'].map((name) => ({
        ...{ ...check, name, outcome: 'failed', message: said, logDigest: digestOf(at) },
      })),
    };
    this.decide({ type: 'note-runs', ends: [ended] });
    this.decide({ type: 'note-evaluation', evaluation });
    if (level === 'yellow') this.asked.push({ ended, evaluation });
  }

  approve(at: number): void {
    const approvalId = approvalIdOf(this.step(at).runId);
    const digest = this.state.approvals.get(approvalId)?.request.digest ?? '';
    const commandId = `vote-${(this.commands += 1)}-${this.directiveId}`;
    this.decide({
      ...{ type: 'vote', commandId, approvalId, digest, verb: 'approve', decision: 'approve' },
      ...{ by: { id: 'alice' }, now: '2026-01-01', comment: said },
    });
    this.asked.pop();
  }

  private step(at: number): { name: string; runId: string; attempt: number } {
    const name = `step-${at}`;
    const step = this.state.chain.get(name);
    const runId = step?.runId ?? null;
    if (step === undefined || runId === null) throw new Error(`${name} does not run`);
    return { name, runId, attempt: step.attempt };
  }

  private decide(command: DirectiveCommand): void {
    const decision = directiveDecider.decide(command, this.folded);
    if (isRefusal(decision)) throw new Error(decision.message);
    const commandId = 'commandId' in command ? command.commandId : `end-${this.events.length}`;
    for (const event of decision) this.record(event, commandId);
  }

  private record({ type, data }: DirectiveEvent, commandId: string): void {
    const version = this.events.length + 1;
    const recorded: RecordedEvent = {
      ...{ id: '', type, data, schemaVersion: 1, position: version, version },
      metadata: { commandId, correlationId: this.directiveId, actor },
      stream: `directive-${this.directiveId}`,
      recordedAt: new Date(Date.UTC(2026, 0, 1) + version * 100).toISOString(),
    };
    this.events.push(recorded);
    this.folded = directiveDecider.evolve(this.folded, recorded);
  }
}

/** One after the other; those that will wait, side by side after the last of the others. */
function stepFile(at: number, before: number) {
  return {
    name: `step-${at}`,
    dependsOn: before < 0 ? [] : [`step-${before}`],
    adapter: { kind: 'echo', output: { at, said } },
    verify: [{ kind: 'files', paths: [`out/step-${at}-0.json`] }],
  };
}
