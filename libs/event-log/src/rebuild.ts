/**
 * Builds a read model anew from the log beside the live one, while that goes on, and compares the
 * two or puts the new one in the old one's place.
 *
 * D1 The new one is built by the same code into temporary tables of the same names, which stand
 *    first in the session's search path. They end with the session, whatever happens.
 * D2 To compare, one snapshot (REPEATABLE READ) holds both the live tables and their checkpoint,
 *    which move in one transaction; the new one is brought to exactly that position. Nobody waits.
 * D3 To replace, the checkpoint's row is locked, so that the live one stands still for the moment
 *    in which its last events are caught up with and its rows exchanged, in one transaction.
 */
import type { EntityManager } from 'typeorm';
import { compareTables, type Difference } from './compare-tables';
import type { EventLog } from './event-log';
import { createCheckpoint, readCheckpoint } from './projection-seat';
import { readPage, type Projection } from './projection';
import { identifier, ProjectionSession } from './projection-session';

export interface RebuildOptions {
  readonly url: string;
  readonly log: Pick<EventLog, 'head' | 'readAll'>;
  readonly projection: Projection;
  /** Puts the new one in place of the live one. Default: compares only. */
  readonly replace?: boolean;
  /** Events read and applied at a time. Default 5,000. */
  readonly pageSize?: number;
  readonly onProgress?: (progress: RebuildProgress) => void;
}

export interface RebuildProgress {
  readonly name: string;
  /** Up to where it is built, of `target`. */
  readonly position: number;
  readonly target: number;
}

export interface RebuildReport {
  readonly name: string;
  /** Of the live tables, before they were replaced. */
  readonly rows: number;
  /** Whether the live tables were what the log says they must be. */
  readonly equal: boolean;
  readonly difference?: Difference;
  readonly events: number;
  /** The position at which the two were compared. */
  readonly position: number;
  readonly replaced: boolean;
}

/** The role's limits are for short statements; these are bounded too. */
const settings = {
  statement_timeout: '10min',
  idle_in_transaction_session_timeout: '60s',
  lock_timeout: '10s',
  temp_buffers: '64MB',
};

export async function rebuild(options: RebuildOptions): Promise<RebuildReport> {
  const { url, projection, replace = false } = options;
  const { name, schema } = projection;
  const applicationName = `writ rebuild ${name}`;
  const replyTimeoutMs = 11 * 60_000;
  const session = await ProjectionSession.open({
    url,
    schema,
    applicationName,
    settings,
    replyTimeoutMs,
  });
  try {
    await createShadows(session, projection); // D1
    if (replace) await createCheckpoint(session, name); // D3 locks it, also before the first follower
    const shadow = new Shadow(session, options);
    // Most of it before the live one is held up, or a snapshot is.
    await shadow.buildTo(await readCheckpoint(session, name));
    return await session.transaction(
      async (tx) => {
        const position = await readCheckpoint(session, name, replace ? 'for update' : '');
        await shadow.buildTo(position, tx);
        const compared = await compareAll(session, projection);
        if (replace) await exchange(session, projection);
        return { name, ...compared, events: shadow.events, position, replaced: replace };
      },
      replace ? 'READ COMMITTED' : 'REPEATABLE READ', // D3, D2
    );
  } finally {
    await session.close();
  }
}

class Shadow {
  events = 0;
  private position = 0;
  private analyzedAt = 0;

  constructor(
    private readonly session: ProjectionSession,
    private readonly options: RebuildOptions,
  ) {}

  /** Reads the next page while the last one is applied. */
  async buildTo(target: number, tx?: EntityManager): Promise<void> {
    const { log, projection, pageSize = 5_000, onProgress } = this.options;
    const { session } = this;
    let next = readPage(log, projection, this.position, pageSize, target);
    while (this.position < target) {
      const page = await next;
      if (page.upTo <= this.position) throw new Error(`the log ends before position ${target}`);
      next = readPage(log, projection, page.upTo, pageSize, target);
      next.catch(() => undefined); // thrown where it is awaited
      if (page.events.length > 0) {
        if (tx === undefined)
          await session.transaction((own) => projection.apply(page.events, own));
        else await projection.apply(page.events, tx);
      }
      this.events += page.events.length;
      this.position = page.upTo;
      await this.analyze();
      onProgress?.({ name: projection.name, position: this.position, target });
    }
    await next;
  }

  /** Nobody analyzes temporary tables by himself, and without it plans stay those of empty ones. */
  private async analyze(): Promise<void> {
    if (this.events < this.analyzedAt * 4 || this.events === this.analyzedAt) return;
    for (const table of this.options.projection.tables) {
      await this.session.query(`analyze pg_temp.${identifier(table)}`);
    }
    this.analyzedAt = this.events;
  }
}

async function createShadows(session: ProjectionSession, projection: Projection): Promise<void> {
  for (const table of projection.tables.map(identifier)) {
    const live = `${identifier(projection.schema)}.${table}`;
    await session.query(`create temporary table ${table} (like ${live} including all)`);
  }
}

async function compareAll(session: ProjectionSession, projection: Projection) {
  let rows = 0;
  let difference: Difference | undefined;
  for (const table of projection.tables) {
    const compared = await compareTables(session, projection.schema, table);
    rows += compared.rows;
    difference ??= compared.difference;
  }
  const equal = difference === undefined;
  return equal ? { rows, equal } : { rows, equal, difference };
}

/** Not TRUNCATE: who reads at this moment sees the old rows or the new ones, never none. */
async function exchange(session: ProjectionSession, projection: Projection): Promise<void> {
  for (const table of projection.tables.map(identifier)) {
    const live = `${identifier(projection.schema)}.${table}`;
    await session.query(`delete from ${live}`);
    await session.query(`insert into ${live} select * from pg_temp.${table}`);
  }
}
