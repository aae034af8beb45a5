/**
 * Snapshots in `<schema>.snapshot`. The state is packed: fewer bytes on their way, and neither side of
 * the packing is on this process's own thread. Bytes that cannot be unpacked are an empty text, which
 * no form reads.
 */
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import type { Snapshot, SnapshotTable } from './snapshot-table';

const pack = promisify<Buffer, { level: number }, Buffer>(gzip);
const unpack = promisify<Buffer, Buffer>(gunzip);

/** Rows of a statement, as TypeORM gives them. */
export type AskRows = (text: string, values?: unknown[]) => Promise<unknown>;

interface Row {
  readonly stream: string;
  readonly version: number;
  readonly position: string;
  readonly hash: string;
  readonly shape: number;
  readonly state: Buffer;
}

export class PostgresSnapshotTable implements SnapshotTable {
  private readonly table: string;

  constructor(
    private readonly ask: AskRows,
    schema: 'planner',
  ) {
    this.table = `${schema}.snapshot`;
  }

  async read(stream: string): Promise<Snapshot | undefined> {
    const text = `select stream, version, position, hash, shape, state
      from ${this.table} where stream = $1`;
    const [row] = (await this.ask(text, [stream])) as Row[];
    if (row === undefined) return undefined;
    const state = await unpack(row.state).then(String, () => '');
    return { ...row, position: Number(row.position), state };
  }

  async write({ stream, version, position, hash, shape, state }: Snapshot): Promise<void> {
    const packed = await pack(Buffer.from(state), { level: constants.Z_BEST_SPEED });
    await this.ask(
      `insert into ${this.table} (stream, version, position, hash, shape, state)
       values ($1, $2, $3, $4, $5, $6)
       on conflict (stream) do update set version = excluded.version,
         position = excluded.position, hash = excluded.hash, shape = excluded.shape,
         state = excluded.state`,
      [stream, version, position, hash, shape, packed],
    );
  }

  async remove({ stream, version, shape }: Snapshot): Promise<void> {
    const text = `delete from ${this.table} where stream = $1 and version = $2 and shape = $3`;
    await this.ask(text, [stream, version, shape]);
  }

  async streams(after: string, limit: number): Promise<string[]> {
    const text = `select stream from ${this.table} where stream > $1 order by stream limit $2`;
    const rows = (await this.ask(text, [after, limit])) as Pick<Row, 'stream'>[];
    return rows.map(({ stream }) => stream);
  }

  async clear(): Promise<void> {
    await this.ask(`delete from ${this.table}`);
  }
}
