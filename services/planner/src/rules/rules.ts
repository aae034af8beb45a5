/** What the reactions about rules share. */
import {
  isRefusal,
  streamOf,
  type EventMetadata,
  type RecordedEvent,
  type Refusal,
  type RuleEvent,
} from '@writ/contracts';
import type { Rule, RuleCommand, RuleState } from '@writ/domain';
import type { Aggregates } from '@writ/event-log';
import type { Planner } from '../planner';
import type { RuleRows } from '../projections/rule-rows';

export interface Rules {
  /** It takes the votes of rules. */
  readonly planner: Planner;
  readonly rules: Aggregates<RuleState, RuleCommand, RuleEvent>;
  readonly rows: Pick<RuleRows, 'list' | 'live'>;
  /** A rule that the read model may not have yet. */
  readonly touched: (name: string) => void;
}

/** The injection token of `Rules`. */
export const RULES = Symbol('rules');

export interface DecidedRule {
  readonly rule: Rule;
  readonly events: readonly RecordedEvent[];
}

/** Decides and records. */
export async function decideRule(
  deps: Rules,
  name: string,
  command: RuleCommand,
  metadata: Omit<EventMetadata, 'correlationId'>,
): Promise<DecidedRule | Refusal> {
  const about = { ...metadata, correlationId: name };
  const handled = await deps.rules.handle(streamOf.rule(name), command, about);
  if (isRefusal(handled)) return handled;
  return { rule: handled.state as Rule, events: handled.events };
}
