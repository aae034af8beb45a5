/** What a rule is at a point of its stream: folded from its events, nothing else; and as it is shown. */
import type {
  RecordedEvent,
  RuleDocument,
  RuleEvent,
  RuleEventData,
  RuleStatus,
  RuleSummary,
  RuleVerb,
} from '@writ/contracts';
import { Recent } from './recent';

const JUDGEMENTS_KEPT = 100;
/** Each is a decision without a person: many more are shown. */
const DECISIONS_KEPT = 1_000;

export interface RuleAnswered {
  readonly verb: RuleVerb;
  readonly version: number;
  readonly position: number;
}

export interface Rule {
  readonly status: RuleStatus;
  readonly name: string;
  readonly spec: RuleEventData<'RuleCreated'>;
  /** Decisions about approvals up to this position of the log are dealt with. */
  readonly upTo: number;
  readonly judged: number;
  readonly agreed: number;
  /** In a row. */
  readonly agreements: number;
  readonly decided: number;
  /** `position` is that of its promotion: it decides what is asked after it. */
  readonly promoted: {
    readonly by: string;
    readonly at: string;
    readonly agreements: number;
    readonly position: number;
  } | null;
  readonly revoked: RuleSummary['revoked'];
  readonly judgements: RuleDocument['judgements'];
  readonly decisions: RuleDocument['decisions'];
  /** Commands of people, by their ids. */
  readonly answers: Recent<RuleAnswered>;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly version: number;
  readonly position: number;
}

export type RuleState = { readonly status: 'absent' } | Rule;

export function evolveRule(state: RuleState, recorded: RecordedEvent): Rule {
  const event = recorded as unknown as RuleEvent;
  const { version, position, metadata } = recorded;
  const next =
    event.type === 'RuleCreated'
      ? created(recorded, event.data)
      : apply(existing(state, recorded), event, recorded);
  const verb = verbOf(event);
  const answers =
    verb === undefined
      ? next.answers
      : next.answers.with(metadata.commandId, { verb, version, position });
  return { ...next, version, position, answers };
}

function existing(state: RuleState, recorded: RecordedEvent): Rule {
  if (state.status !== 'absent') return state;
  throw new Error(`${recorded.stream} begins with ${recorded.type}, not with RuleCreated`);
}

function created(recorded: RecordedEvent, spec: RuleEventData<'RuleCreated'>): Rule {
  const { recordedAt, metadata, version, position } = recorded;
  return {
    status: 'shadow',
    name: spec.name,
    spec,
    upTo: position, // what was decided before it is no test of it
    judged: 0,
    agreed: 0,
    agreements: 0,
    decided: 0,
    promoted: null,
    revoked: null,
    judgements: [],
    decisions: [],
    answers: Recent.empty(),
    createdAt: recordedAt,
    createdBy: metadata.actor.id,
    version,
    position,
  };
}

function apply(state: Rule, event: RuleEvent, recorded: RecordedEvent): Rule {
  const { recordedAt: at } = recorded;
  switch (event.type) {
    case 'RuleCreated':
      throw new Error(`rule ${state.name} is created twice`);
    case 'RuleJudged': {
      const { agrees, position: upTo } = event.data;
      return {
        ...{ ...state, upTo, judged: state.judged + 1 },
        agreed: state.agreed + (agrees ? 1 : 0),
        agreements: agrees ? state.agreements + 1 : 0,
        judgements: [...state.judgements.slice(1 - JUDGEMENTS_KEPT), { ...event.data, at }],
      };
    }
    case 'RulePromoted': {
      const promoted = { ...event.data, at, position: recorded.position };
      return { ...state, status: 'promoted', promoted };
    }
    case 'RuleRevoked': {
      const { by = null, reason } = event.data;
      const status = by === null ? 'shadow' : 'revoked';
      return { ...state, status, agreements: 0, promoted: null, revoked: { by, reason, at } };
    }
    case 'RuleDecided': {
      const decisions = [...state.decisions.slice(1 - DECISIONS_KEPT), { ...event.data, at }];
      return { ...state, upTo: event.data.position, decided: state.decided + 1, decisions };
    }
  }
}

function verbOf(event: RuleEvent): RuleVerb | undefined {
  if (event.type === 'RuleCreated') return 'create';
  if (event.type === 'RulePromoted') return 'promote';
  return event.type === 'RuleRevoked' && event.data.by !== undefined ? 'revoke' : undefined;
}

export function ruleSummary(rule: Rule): RuleSummary {
  const { status, spec, judged, agreed, agreements, decided, promoted, revoked } = rule;
  const { createdAt, createdBy, version, position } = rule;
  const { name, when, verdict, promoteAfter } = spec;
  return {
    ...{ name, status, when, verdict, promoteAfter, createdAt, createdBy },
    ...{ judged, agreed, agreements, decided },
    promoted: promoted === null ? null : { by: promoted.by, at: promoted.at },
    ...{ revoked, version, position },
  };
}

export function ruleDocument(rule: Rule): RuleDocument {
  const { judgements, decisions } = rule;
  return { ...ruleSummary(rule), judgements: [...judgements], decisions: [...decisions] };
}
