/** The list of schedules: the read model `planner.schedule`, written by its projection only. */
import {
  canonicalJson,
  type RecordedEvent,
  type ScheduleEvent,
  type ScheduleStatus,
  type ScheduleSummary,
} from '@writ/contracts';
import type { Projection } from '@writ/event-log';
import type { DataSource, EntityManager } from 'typeorm';

interface ScheduleRow {
  readonly id: string;
  readonly status: ScheduleStatus;
  readonly created_at: string;
  /** Canonical JSON of `ScheduleSummary`. */
  readonly schedule: string;
}

/** Removed ones that a process looks at when it starts: the latest. */
const MOST_REMOVED = 1_000;

export const scheduleRows: Projection = {
  name: 'schedule',
  schema: 'planner',
  tables: ['schedule'],
  streamPrefixes: ['schedule-'],
  apply: applyToRows,
};

const idOf = ({ stream }: RecordedEvent) => stream.slice('schedule-'.length);

async function applyToRows(events: readonly RecordedEvent[], tx: EntityManager): Promise<void> {
  const known: ScheduleRow[] = await tx.query(
    'select id, schedule from schedule where id = any($1)',
    [[...new Set(events.map(idOf))]],
  );
  const rows = new Map(
    known.map(({ id, schedule }) => [id, JSON.parse(schedule) as ScheduleSummary]),
  );
  for (const event of events) rows.set(idOf(event), foldSummary(rows.get(idOf(event)), event));
  const changed = [...rows.values()];
  await tx.query(
    `insert into schedule (id, status, created_at, version, schedule)
     select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::int[], $5::text[])
     on conflict (id) do update set status = excluded.status,
       created_at = excluded.created_at, version = excluded.version,
       schedule = excluded.schedule`,
    [
      changed.map(({ id }) => id),
      changed.map(({ status }) => status),
      changed.map(({ createdAt }) => createdAt),
      changed.map(({ version }) => version),
      changed.map((summary) => canonicalJson(summary)),
    ],
  );
}

/** A column takes no NUL, which may stand in what somebody wrote, not even in JSON. */
const storable = (text: string) => text.replaceAll('\0', '\ufffd');
const reasonOf = (text: string | undefined) => (text === undefined ? null : storable(text));

/** The summary after an event; only ScheduleCreated needs none before it. */
function foldSummary(
  before: ScheduleSummary | undefined,
  recorded: RecordedEvent,
): ScheduleSummary {
  const event = recorded as unknown as ScheduleEvent;
  const { version, position, recordedAt, metadata } = recorded;
  if (event.type === 'ScheduleCreated') {
    const { name, trigger, overlap, catchUp } = event.data;
    return {
      ...{
        id: idOf(recorded),
        name: storable(name),
        status: 'active',
        reason: null,
        trigger,
        overlap,
        catchUp,
      },
      ...{ createdAt: recordedAt, createdBy: metadata.actor.id, fired: 0, skipped: 0 },
      ...{ lastFired: null, lastSkipped: null, version, position },
    };
  }
  if (before === undefined) throw new Error(`${recorded.stream} has ${event.type} but no row`);
  return { ...before, ...changeBy(event, before, recordedAt), version, position };
}

function changeBy(
  event: ScheduleEvent,
  before: ScheduleSummary,
  at: string,
): Partial<ScheduleSummary> {
  switch (event.type) {
    case 'SchedulePaused':
      return { status: 'paused', reason: reasonOf(event.data.reason) };
    case 'ScheduleResumed':
      return { status: 'active', reason: null };
    case 'ScheduleRemoved':
      return { status: 'removed', reason: reasonOf(event.data.reason) };
    case 'ScheduleFired': {
      const { by, scheduledFor, directiveId } = event.data;
      return { fired: before.fired + 1, lastFired: { by, scheduledFor, directiveId, at } };
    }
    case 'ScheduleSkipped': {
      const { key: _, ...skip } = event.data;
      return {
        skipped: before.skipped + 1,
        lastSkipped: { ...skip, message: storable(skip.message), at },
      };
    }
    case 'ScheduleDirectiveRefused': {
      const { directiveId, message } = event.data;
      if (before.lastFired?.directiveId !== directiveId) return {};
      return { lastFired: { ...before.lastFired, refused: storable(message) } };
    }
    default:
      return {};
  }
}

export interface Watched {
  /** What time it is in the database. */
  readonly now: string;
  readonly schedules: readonly { readonly id: string; readonly version: number }[];
  readonly counts: { readonly active: number; readonly paused: number };
}

const NOW = `to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

export class ScheduleRows {
  constructor(private readonly database: DataSource) {}

  /** Newest first. */
  async list(asked: { status?: ScheduleStatus; limit: number }): Promise<ScheduleSummary[]> {
    const rows: Pick<ScheduleRow, 'schedule'>[] = await this.database.query(
      `select schedule from planner.schedule
       where status = any($1) order by created_at desc, id desc limit $2`,
      [asked.status === undefined ? ['active', 'paused'] : [asked.status], asked.limit],
    );
    return rows.map(({ schedule }) => JSON.parse(schedule) as ScheduleSummary);
  }

  /** Those that may have something due, and what time it is in the database. */
  async toWatch(withRemoved: boolean): Promise<Watched> {
    const [found]: { now: string; ids: string[]; versions: number[]; statuses: string[] }[] =
      await this.database.query(
        `select ${NOW} as now, coalesce(array_agg(id), '{}') as ids,
           coalesce(array_agg(version), '{}') as versions,
           coalesce(array_agg(status), '{}') as statuses
         from (
           select id, version, status from planner.schedule where status in ('active', 'paused')
           union all
           (select id, version, status from planner.schedule where status = 'removed' and $1
            order by created_at desc limit ${MOST_REMOVED})) watched`,
        [withRemoved],
      );
    const { now = '', ids = [], versions = [], statuses = [] } = found ?? {};
    const count = (status: string) => statuses.filter((it) => it === status).length;
    return {
      now,
      schedules: ids.map((id, at) => ({ id, version: versions[at] ?? 0 })),
      counts: { active: count('active'), paused: count('paused') },
    };
  }

  async now(): Promise<string> {
    const [found]: { now: string }[] = await this.database.query(`select ${NOW} as now`);
    return found?.now ?? '';
  }
}
