/**
 * For specs: the story of a directive on a log, decided by the real deciders, with the executor's and
 * the verifier's part told in one line each.
 */
import { createHash } from 'node:crypto';
import {
  canonicalJson,
  DirectiveFile,
  type EvaluationCompleted,
  isRefusal,
  type NewEvent,
  type RunEnded,
  streamOf,
} from '@writ/contracts';
import {
  directiveDecider,
  type DirectiveCommand,
  evaluationDecider,
  planExplicit,
} from '@writ/domain';
import { Aggregates, type EventLog, type StoredEvent, uuidV7 } from '@writ/event-log';

const digestOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

export class DirectiveHistory {
  private readonly directives;

  constructor(
    private readonly log: EventLog,
    readonly id: string,
  ) {
    this.directives = new Aggregates({ log, decider: directiveDecider });
  }

  async create(steps: readonly ({ name: string } & Record<string, unknown>)[]): Promise<void> {
    const directive = DirectiveFile.parse({
      title: 'A title',
      goal: 'A goal',
      autonomy: 'full_auto',
      limits: { maxReworkCycles: 0 },
      chain: {
        steps: steps.map((step) => ({ adapter: { kind: 'echo' }, verify: 'none', ...step })),
      },
    });
    const plan = planExplicit(directive);
    if ('issues' in plan) throw new Error(JSON.stringify(plan.issues));
    await this.decide({
      ...{ type: 'create', commandId: `create-${this.id}`, directiveId: this.id, ...plan },
      ...{ contentDigest: digest('c'), start: true },
    });
  }

  stop(): Promise<void> {
    return this.decide({ type: 'stop', commandId: `stop-${this.id}` });
  }

  async runEnds(step: string, more: Partial<RunEnded> = {}): Promise<StoredEvent[]> {
    const components = { command: digest('d') };
    const bundle = { hash: digestOf(canonicalJson(components)), components, excluded: [] };
    const runId = this.runIdOf(step);
    const ended: RunEnded = {
      ...{ runId, directiveId: this.id, step, attempt: 1, claim: 1, executorId: 'e' },
      ...{ adapter: { kind: 'echo', version: '1' }, bundle, result: 'success', stages: [] },
      ...{ attempts: [], exitCode: 0, artifacts: [], durationMs: 1 },
      ...more,
    };
    const events = await this.record(streamOf.run(runId), 'RunEnded', ended);
    await this.decide({ type: 'note-runs', ends: [ended] });
    return events;
  }

  async evaluates(step: string, level: 'green' | 'red'): Promise<void> {
    const work = { runId: this.runIdOf(step), directiveId: this.id, step };
    const outcome = level === 'green' ? 'passed' : 'failed';
    const check = { name: 'tests', kind: 'program', required: true, weight: 1, durationMs: 3 };
    const decided = evaluationDecider.decide(
      {
        ...{ type: 'complete', work, thresholds: { green: 0.85, yellow: 0.6 }, durationMs: 4 },
        checks: [{ ...check, outcome, message: 'it ended', logDigest: digest('e') }],
      },
      evaluationDecider.initial,
    );
    if (isRefusal(decided)) throw new Error(decided.message);
    const evaluation = decided[0]?.data as EvaluationCompleted;
    await this.record(streamOf.evaluation(work.runId), 'EvaluationCompleted', evaluation);
    await this.decide({ type: 'note-evaluation', evaluation });
  }

  runIdOf(step: string): string {
    return `${this.id}-g1-${step}-a1`;
  }

  private record(stream: string, type: string, data: unknown): Promise<StoredEvent[]> {
    const metadata = this.metadata('test');
    const event: NewEvent = { id: uuidV7(), type, schemaVersion: 1, data, metadata };
    return this.log.append({ stream, expectedVersion: 0, events: [event] });
  }

  private async decide(command: DirectiveCommand): Promise<void> {
    const commandId = 'commandId' in command ? command.commandId : 'reaction';
    const stream = streamOf.directive(this.id);
    const handled = await this.directives.handle(stream, command, this.metadata(commandId));
    if (isRefusal(handled)) throw new Error(handled.message);
  }

  private metadata(commandId: string) {
    const actor = { kind: 'service' as const, id: 'test' };
    return { commandId, correlationId: this.id, actor };
  }
}
