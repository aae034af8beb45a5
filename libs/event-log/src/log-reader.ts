/**
 * Reads the log over a small pool. Reading changes nothing, so a read that lost its connection is
 * simply made again, for a bounded time. When that has passed, the log is away, unless others were
 * answered meanwhile: then it is this read that takes too long, and who asks for it is to know.
 *
 * Narrow prefixes (`run-abc1`: the streams of one directive) are found by the index on stream, wide
 * ones (`run-`: what a projection follows) by walking positions: the cost follows what is asked
 * for and not the length of the log.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { endsWithin, GENESIS_HASH } from '@writ/contracts';
import { Pool, type PoolClient } from 'pg';
import { textArray } from './binary-array';
import {
  bytesOf,
  limitOf,
  type LogHead,
  type ReadAll,
  type ReadStream,
  type StoredEvent,
} from './event-log';
import { asTexts, eventColumns, eventsOfRows, type EventRow, withinBytes } from './event-rows';
import { abandonClient } from './leave-client';
import { LogUnavailable } from './log-errors';
import { backoffMs, reasonOf, troubleOf } from './postgres-trouble';

export interface LogReaderOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly connections: number;
  readonly connectTimeoutMs: number;
  /** Without a reply for so long, the connection is given up and the read made again. */
  readonly replyTimeoutMs: number;
  /** Of all attempts together. */
  readonly deadlineMs: number;
  /** Positions that one statement walks over in search of wide prefixes. */
  readonly walk: number;
}

const inStream = `select ${eventColumns} from log.event e
  where e.stream = $1 and e.version > $2 order by e.version limit $3`;

const inOrder = withinBytes(
  'select * from log.event where position > $1 order by position limit $2',
  '$3',
);

// The last row says that the log goes on beyond what was walked; it need not fit the prefixes.
const inOrderWide = `(${withinBytes(
  `select * from log.event
    where position > $1 and position <= $6 and stream ^@ any($4::text[])
      and ($5::text[] is null or type = any($5))
    order by position limit $2`,
  '$3',
)})
  union all select ${eventColumns} from log.event e where e.position = $6 + 1
  order by 1`;

// '~' is above every character of a stream name. OFFSET 0 keeps the planner from turning this into
// a walk over all positions, which it expects to end early.
const inOrderNarrow = `with found as (
    select distinct e.position
    from unnest($4::text[]) as prefix
    cross join lateral (
      select s.position from log.event s
      where s.stream >= prefix and s.stream < prefix || '~' and s.position > $1
        and ($5::text[] is null or s.type = any($5))
      offset 0
    ) e
    order by e.position limit $2
  )
  ${withinBytes('select * from found join log.event using (position)', '$3')}`;

const lastOfEach = `select ${eventColumns}
  from (select distinct s from unnest($1::text[]) s) u
  cross join lateral (
    select * from log.event s where s.stream = u.s order by s.version desc limit 1
  ) e`;

const lastOfAll = `select e.position, encode(e.hash, 'hex') from log.event e
  order by e.position desc limit 1`;

export class LogReader {
  private readonly pool: Pool;
  private readonly clients = new Set<PoolClient>();
  private closed = false;
  /** Attempts are numbered as they begin; of those that were answered, the latest. */
  private begun = 0;
  private answered = 0;

  constructor(private readonly options: LogReaderOptions) {
    this.pool = new Pool({
      connectionString: options.url,
      application_name: options.applicationName,
      max: options.connections,
      connectionTimeoutMillis: options.connectTimeoutMs,
      query_timeout: options.replyTimeoutMs,
      keepAlive: true,
    });
    // An idle connection that breaks is replaced by the next read.
    this.pool.on('error', () => undefined);
    this.pool.on('connect', (client) => this.clients.add(client));
    this.pool.on('remove', (client) => this.clients.delete(client));
  }

  async readStream(stream: string, options: ReadStream = {}): Promise<StoredEvent[]> {
    return this.events('read-stream', inStream, [
      stream,
      options.afterVersion ?? 0,
      limitOf(options),
    ]);
  }

  async readAll(options: ReadAll = {}): Promise<StoredEvent[]> {
    const { after = 0, maxBytes = Number.MAX_SAFE_INTEGER, streamPrefixes, types } = options;
    const limit = limitOf(options);
    const asked = [after, limit, maxBytes];
    if (streamPrefixes === undefined && types === undefined) {
      return this.events('read-all', inOrder, asked);
    }
    const prefixes = streamPrefixes ?? [''];
    if (prefixes.length === 0 || types?.length === 0) return [];
    const wanted = [textArray(prefixes), types === undefined ? null : textArray(types)];
    return prefixes.every((prefix) => /-./.test(prefix))
      ? this.events('read-narrow', inOrderNarrow, [...asked, ...wanted])
      : this.readWide(after, limit, maxBytes, wanted);
  }

  /** In bounded walks, so that what is rare in a long log does not run into a timeout. */
  private async readWide(
    after: number,
    limit: number,
    maxBytes: number,
    wanted: readonly (Buffer | null)[],
  ): Promise<StoredEvent[]> {
    const { walk } = this.options;
    const found: StoredEvent[] = [];
    let bytes = 0;
    for (let from = after; ; from += walk) {
      const values = [from, limit - found.length, maxBytes - bytes, ...wanted, from + walk];
      const rows = await this.query<EventRow>('read-wide', inOrderWide, values);
      const goesOn = Number(rows.at(-1)?.[0]) > from + walk;
      if (goesOn) rows.pop();
      const events = eventsOfRows(rows);
      found.push(...events);
      bytes += bytesOf(events);
      if (!goesOn || found.length >= limit || bytes >= maxBytes) return found;
    }
  }

  async lastEvents(streams: readonly string[]): Promise<StoredEvent[]> {
    const found: StoredEvent[] = [];
    for (let from = 0; from < streams.length; from += 1_000) {
      const some = streams.slice(from, from + 1_000);
      found.push(...(await this.events('last-events', lastOfEach, [textArray(some)])));
    }
    return found;
  }

  async head(): Promise<LogHead> {
    const [row] = await this.query<[string, string]>('head', lastOfAll, []);
    return row === undefined
      ? { position: 0, hash: GENESIS_HASH }
      : { position: Number(row[0]), hash: row[1] };
  }

  /** Reads under way are cut off when they do not end within so long. */
  async close(withinMs: number): Promise<void> {
    this.closed = true;
    if (await endsWithin(withinMs, this.pool.end())) return;
    for (const client of this.clients) abandonClient(client);
  }

  private async events(name: string, text: string, values: unknown[]): Promise<StoredEvent[]> {
    const rows = await this.query<EventRow>(name, text, values);
    return eventsOfRows(rows);
  }

  private async query<R extends unknown[]>(
    name: string,
    text: string,
    values: unknown[],
  ): Promise<R[]> {
    const deadline = performance.now() + this.options.deadlineMs;
    for (let attempt = 1; ; attempt += 1) {
      if (this.closed) throw new LogUnavailable('the log is closed');
      const number = (this.begun += 1);
      try {
        const { rows } = await this.pool.query<R>({ name, text, values, ...asTexts });
        this.answered = Math.max(this.answered, number);
        return rows;
      } catch (cause) {
        if (troubleOf(cause) === 'refused') throw cause;
        const delay = backoffMs(attempt, 20, 500);
        if (performance.now() + delay > deadline) {
          const said = `(${name}) in ${attempt} attempts: ${reasonOf(cause)}`;
          if (this.answered > number) {
            throw new Error(`others are answered, this read of the log is not ${said}`, { cause });
          }
          throw new LogUnavailable(`the log could not be read ${said}`, { cause });
        }
        await wait(delay);
      }
    }
  }
}
