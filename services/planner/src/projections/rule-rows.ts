/** The list of rules: the read model `planner.rule`, written by its projection only. */
import {
  canonicalJson,
  type RecordedEvent,
  type RuleEvent,
  type RuleStatus,
  type RuleSummary,
} from '@writ/contracts';
import type { Projection } from '@writ/event-log';
import type { DataSource, EntityManager } from 'typeorm';

interface RuleRow {
  readonly name: string;
  /** Canonical JSON of `RuleSummary`. */
  readonly rule: string;
}

export const ruleRows: Projection = {
  name: 'rule',
  schema: 'planner',
  tables: ['rule'],
  streamPrefixes: ['rule-'],
  apply: applyToRows,
};

const nameOf = ({ stream }: RecordedEvent) => stream.slice('rule-'.length);

async function applyToRows(events: readonly RecordedEvent[], tx: EntityManager): Promise<void> {
  const names = [...new Set(events.map(nameOf))];
  const known: RuleRow[] = await tx.query('select name, rule from rule where name = any($1)', [
    names,
  ]);
  const rows = new Map(known.map(({ name, rule }) => [name, JSON.parse(rule) as RuleSummary]));
  for (const event of events) rows.set(nameOf(event), foldSummary(rows.get(nameOf(event)), event));
  const changed = [...rows];
  await tx.query(
    `insert into rule (name, status, version, rule)
     select * from unnest($1::text[], $2::text[], $3::int[], $4::text[])
     on conflict (name) do update set status = excluded.status,
       version = excluded.version, rule = excluded.rule`,
    [
      changed.map(([name]) => name),
      changed.map(([, { status }]) => status),
      changed.map(([, { version }]) => version),
      changed.map(([, summary]) => storable(canonicalJson(summary))),
    ],
  );
}

/** A column takes no NUL, which may stand in what somebody wrote. */
const storable = (text: string) => text.replaceAll('\\u0000', '\\ufffd');

/** The summary after an event; only RuleCreated needs none before it. */
function foldSummary(before: RuleSummary | undefined, recorded: RecordedEvent): RuleSummary {
  const event = recorded as unknown as RuleEvent;
  const { version, position, recordedAt, metadata } = recorded;
  if (event.type === 'RuleCreated') {
    const { contentDigest: _, ...spec } = event.data;
    return {
      ...{ ...spec, status: 'shadow', createdAt: recordedAt, createdBy: metadata.actor.id },
      ...{ judged: 0, agreed: 0, agreements: 0, decided: 0, promoted: null, revoked: null },
      ...{ version, position },
    };
  }
  if (before === undefined) throw new Error(`${recorded.stream} has ${event.type} but no row`);
  return { ...before, ...changeBy(event, before, recordedAt), version, position };
}

function changeBy(
  event: Exclude<RuleEvent, { type: 'RuleCreated' }>,
  before: RuleSummary,
  at: string,
): Partial<RuleSummary> {
  switch (event.type) {
    case 'RuleJudged': {
      const { agrees } = event.data;
      const { judged, agreed, agreements } = before;
      return {
        judged: judged + 1,
        agreed: agreed + (agrees ? 1 : 0),
        agreements: agrees ? agreements + 1 : 0,
      };
    }
    case 'RulePromoted':
      return { status: 'promoted', promoted: { by: event.data.by, at } };
    case 'RuleRevoked': {
      const { by = null, reason } = event.data;
      const status = by === null ? 'shadow' : 'revoked';
      return { status, agreements: 0, promoted: null, revoked: { by, reason, at } };
    }
    case 'RuleDecided':
      return { decided: before.decided + 1 };
  }
}

export class RuleRows {
  constructor(private readonly database: DataSource) {}

  async list(asked: { status?: RuleStatus; limit: number }): Promise<RuleSummary[]> {
    const rows: Pick<RuleRow, 'rule'>[] = await this.database.query(
      `select rule from planner.rule
       where $1::text is null or status = $1 order by name limit $2`,
      [asked.status ?? null, asked.limit],
    );
    return rows.map(({ rule }) => JSON.parse(rule) as RuleSummary);
  }

  /** Those that are compared, or decide. */
  async live(): Promise<string[]> {
    const rows: Pick<RuleRow, 'name'>[] = await this.database.query(
      `select name from planner.rule where status <> 'revoked'`,
    );
    return rows.map(({ name }) => name);
  }
}
