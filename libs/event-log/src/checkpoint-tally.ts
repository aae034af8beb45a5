/**
 * What the database knows of signed checkpoints: by key, from where to where there are some. They lie in
 * a file outside of it, for whoever changes the database cannot change that; and whoever takes the file
 * away cannot take away that there was one.
 */
import { Pool, type ClientBase } from 'pg';

export interface Signed {
  readonly keyId: string;
  readonly first: number;
  readonly last: number;
}

export interface CheckpointTally {
  /** A checkpoint of this position was signed, and lies in the file. */
  note(keyId: string, position: number): Promise<void>;
}

export class PostgresCheckpointTally implements CheckpointTally {
  private readonly pool: Pool;

  /** Of the role that signs. */
  constructor(url: string) {
    this.pool = new Pool({
      connectionString: url,
      application_name: 'writ checkpoints',
      max: 1,
      idleTimeoutMillis: 10_000,
      connectionTimeoutMillis: 3_000,
      query_timeout: 10_000,
    });
    this.pool.on('error', () => undefined); // the next one opens another connection
  }

  async note(keyId: string, position: number): Promise<void> {
    await this.pool.query(
      `insert into manifest.signed_checkpoints as known values ($1, $2, $2)
       on conflict (key_id) do update
         set last_position = greatest(known.last_position, excluded.last_position)`,
      [keyId, position],
    );
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}

export async function signedCheckpoints(client: Pick<ClientBase, 'query'>): Promise<Signed[]> {
  const { rows } = await client.query<
    Record<'key_id' | 'first_position' | 'last_position', string>
  >('select * from manifest.signed_checkpoints order by last_position');
  return rows.map(({ key_id: keyId, first_position: first, last_position: last }) => {
    return { keyId, first: Number(first), last: Number(last) };
  });
}
