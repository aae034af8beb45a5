/**
 * What the planner's reactions share: the directives by stream, the bus, and the one way in which a
 * decision becomes known. Owns the rule that work is sent right after the commit that makes it due;
 * what gets lost on the way is rung again by `reconcile.ts`.
 */
import { hash } from 'node:crypto';
import {
  canonicalJson,
  isRefusal,
  streamOf,
  type Actor,
  type DirectiveEvent,
  type EventMetadata,
  type RebuildReport,
  type Refusal,
} from '@writ/contracts';
import {
  workAfter,
  type Directive,
  type DirectiveCommand,
  type DirectiveState,
  type WorkItem,
} from '@writ/domain';
import type { Aggregates, EventLog } from '@writ/event-log';
import type { ContentStore } from '@writ/content-store';
import type { Bus } from '@writ/messaging';
import type { Logger, MetricsOf } from '@writ/observability';
import type { Admission } from './admission';
import { countSpending } from './count-spending';
import type { People } from './people';
import type { NotedTogether } from './follow-runs';
import type { KnownDirectives } from './known-directives';
import type { ApprovalRows } from './projections/approval-rows';
import type { DecisionRows } from './projections/decision-rows';
import type { DirectiveRows } from './projections/directive-rows';

export type Directives = Aggregates<DirectiveState, DirectiveCommand, DirectiveEvent>;

export interface Planner {
  readonly directives: Directives;
  readonly log: EventLog;
  readonly bus: Bus;
  readonly content: Pick<ContentStore, 'get' | 'put'>;
  readonly rows: Pick<DirectiveRows, 'list' | 'unfinished' | 'now'>;
  readonly approvals: Pick<ApprovalRows, 'list' | 'countPending'>;
  readonly decisions: Pick<DecisionRows, 'page' | 'ofRuns'>;
  /** Who may decide what; undefined: everybody has every role. */
  readonly people?: People;
  readonly admission: Admission;
  readonly known: KnownDirectives;
  readonly notedTogether: NotedTogether;
  /** See `WorkOptions`. */
  readonly stepsAhead: number;
  readonly logger: Logger;
  readonly metrics: MetricsOf<'planner' | 'reconciler'>;
  readonly rebuild: (
    asked: { check: boolean },
    progress: (state: unknown) => void,
  ) => Promise<RebuildReport>;
}

/** The injection token of `Planner`. */
export const PLANNER = Symbol('planner');

export const planner: Actor = { kind: 'service', id: 'planner' };

export interface Decided {
  readonly directive: Directive;
  readonly events: readonly DirectiveEvent[];
}

/** Decides, records, and sends the work that is due now. */
export async function decide(
  deps: Planner,
  directiveId: string,
  command: DirectiveCommand,
  metadata: Omit<EventMetadata, 'correlationId'>,
): Promise<Decided | Refusal> {
  const about = { ...metadata, correlationId: directiveId };
  const handled = await deps.directives.handle(streamOf.directive(directiveId), command, about);
  if (isRefusal(handled)) return handled;
  const directive = handled.state as Directive;
  const events = handled.events as unknown as DirectiveEvent[];
  countEnds(deps, directive, events);
  countSpending(events, deps.metrics);
  for (const item of workAfter(directive, events, { next: deps.stepsAhead }))
    send(deps, item, about);
  return { directive, events };
}

/** Sends a piece of work without waiting for it; `ring` makes a repeated one a new message. */
export function send(
  deps: Planner,
  item: WorkItem,
  metadata: Pick<EventMetadata, 'correlationId' | 'traceparent'>,
  ring = '',
): void {
  const { correlationId, traceparent } = metadata;
  const sent = deps.bus.send({
    subject: item.subject,
    dataText: JSON.stringify(item.data),
    messageId: item.id + ring,
    attributes: {
      id: item.id + ring,
      type: item.type,
      source: '/writ/planner',
      subject: item.stream,
      time: item.since,
      correlationId,
      traceparent,
    },
  });
  deps.admission.sending(sent).catch((error: unknown) => {
    // Not lost: the reconciler sees in the log that it is due.
    deps.logger.warn({ err: error, directiveId: correlationId, work: item.id }, 'work not sent');
  });
}

function countEnds(deps: Planner, directive: Directive, events: readonly DirectiveEvent[]): void {
  for (const { type } of events) {
    const outcome = /^Step(Passed|Failed|Blocked|Cancelled)$/.exec(type)?.[1]?.toLowerCase();
    if (outcome !== undefined) deps.metrics.steps.inc({ outcome: outcome as 'passed' });
  }
  const end = events.find((event) => /^Directive(Completed|Failed|Stopped)$/.test(event.type));
  if (end === undefined) return;
  const outcome = end.type.slice('Directive'.length).toLowerCase() as 'completed';
  deps.metrics.directivesEnded.inc({ outcome });
  if (directive.startedAt === null || directive.completedAt === null) return;
  const ms = Date.parse(directive.completedAt) - Date.parse(directive.startedAt);
  deps.metrics.directiveSeconds.observe({ outcome }, ms / 1000);
}

export const sha256 = (text: string): Uint8Array => hash('sha256', text, 'buffer');

/** Of the content of a command: the same command id with other content is another command. */
export const digestOf = (content: unknown): string =>
  `sha256:${hash('sha256', canonicalJson(content))}`;
