/**
 * Given, when, then for deciders: an aggregate in memory that records what its decisions make
 * happen, as the log would.
 */
import { isRefusal, type RecordedEvent, type Refusal } from '@writ/contracts';
import type { Decider } from '@writ/domain';

export interface Happened {
  readonly type: string;
  readonly data: unknown;
}

export class DeciderHistory<S, C, E extends Happened> {
  state: S;
  readonly events: RecordedEvent[] = [];

  constructor(
    private readonly decider: Decider<S, C, E>,
    private readonly stream: string,
  ) {
    this.state = decider.initial;
  }

  /** Decides and records; returns what happened, or the refusal. */
  when(command: C): readonly E[] | Refusal {
    const decision = this.decider.decide(command, this.state);
    if (isRefusal(decision)) return decision;
    const commandId = (command as { commandId?: string }).commandId ?? 'reaction';
    for (const event of decision) this.record(event, commandId);
    return decision;
  }

  /** The types of what a command makes happen; a refusal as `refused: <code>`. */
  typesWhen(command: C): string[] {
    const decision = this.when(command);
    return isRefusal(decision) ? [`refused: ${decision.refused}`] : decision.map((it) => it.type);
  }

  record(event: Happened, commandId = 'reaction'): void {
    const version = this.events.length + 1;
    const recorded: RecordedEvent = {
      id: `00000000-0000-7000-8000-${String(version).padStart(12, '0')}`,
      type: event.type,
      schemaVersion: 1,
      data: event.data,
      metadata: { commandId, correlationId: 'c', actor: { kind: 'service', id: 'test' } },
      stream: this.stream,
      version,
      position: 100 + version,
      recordedAt: new Date(Date.UTC(2026, 0, 1) + version * 1000).toISOString(),
    };
    this.events.push(recorded);
    this.state = this.decider.evolve(this.state, recorded);
  }
}
