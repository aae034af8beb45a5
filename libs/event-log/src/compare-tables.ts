/**
 * Compares a table with a temporary one of the same name, row by row in the order of the primary
 * key, by the text of the whole row: byte for byte, in one session and so with one set of formats.
 */
import { identifier, type ProjectionSession } from './projection-session';

export interface Difference {
  readonly table: string;
  /** Of the first row that differs, in order of the primary key; null where there is none. */
  readonly live: string | null;
  readonly rebuilt: string | null;
}

export interface Comparison {
  /** Of the live table. */
  readonly rows: number;
  readonly difference?: Difference;
}

type Session = Pick<ProjectionSession, 'query'>;

export async function compareTables(
  session: Session,
  schema: string,
  table: string,
): Promise<Comparison> {
  const live = `${identifier(schema)}.${identifier(table)}`;
  const rebuilt = `pg_temp.${identifier(table)}`;
  const key = (await primaryKey(session, live)).map(identifier).join(', ');
  const [counted] = await session.query<{ rows: string }[]>(`select count(*) as rows from ${live}`);
  const [first] = await session.query<Omit<Difference, 'table'>[]>(
    `select l::text as live, r::text as rebuilt
     from ${live} l full join ${rebuilt} r using (${key})
     where l::text collate "C" is distinct from r::text collate "C"
     order by ${key} limit 1`,
  );
  const rows = Number(counted?.rows ?? 0);
  return first === undefined ? { rows } : { rows, difference: { table, ...first } };
}

async function primaryKey(session: Session, table: string): Promise<string[]> {
  const columns = await session.query<{ name: string }[]>(
    `select a.attname as name
     from pg_index i
     join unnest(i.indkey) with ordinality as k(attnum, place) on true
     join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
     where i.indrelid = $1::regclass and i.indisprimary
     order by k.place`,
    [table],
  );
  if (columns.length === 0) throw new Error(`${table} has no primary key to compare it by`);
  return columns.map(({ name }) => name);
}
