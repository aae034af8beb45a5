/**
 * The tables of read models in memory: as much SQL as the services' own projections speak, so that
 * they run in the simulator as they are. What it does not understand is an error that names the text.
 */
import { canonicalJson } from '@writ/contracts';
import type { MemoryTables, Projection } from '@writ/event-log';

export type Row = Readonly<Record<string, unknown>>;
type Table = Map<string, Row>;
/** Of one transaction: undefined stands for a row that is deleted. */
type Written = Map<string, Map<string, Row | undefined>>;
type Transaction = Parameters<Projection['apply']>[1];

/** The primary keys. */
const keys: Readonly<Record<string, readonly string[]>> = {
  directive: ['id'],
  approval: ['id'],
  decision: ['run_id'],
  decision_context: ['id'],
  run: ['run_id'],
  run_cache: ['bundle_hash'],
  evaluation: ['run_id'],
  manifest: ['id'],
  reference: ['digest', 'owner'],
};

const SELECT = /^select .+ from (\w+) where (\w+) = any\(\$1\)$/;
const DELETE = /^delete from (\w+) where (\w+) = any\(\$1\)$/;
const INSERT = /^insert into (\w+) \(([^)]+)\) select \* from unnest\(.+?\)(?: on conflict (.+))?$/;

export class SimulatedTables implements MemoryTables {
  private readonly tables = new Map<string, Table>();

  begin(): ReturnType<MemoryTables['begin']> {
    const written: Written = new Map();
    const query = async (text: string, values: readonly unknown[] = []) =>
      this.query(text.replace(/\s+/g, ' ').trim(), values, written);
    return {
      tx: { query } as unknown as Transaction,
      commit: () => this.commit(written),
    };
  }

  /** In order of their keys. */
  rows(table: string): Row[] {
    const sorted = [...this.table(table)].sort(([one], [other]) => (one < other ? -1 : 1));
    return sorted.map(([, row]) => row);
  }

  row(table: string, key: string): Row | undefined {
    return this.table(table).get(key);
  }

  private query(text: string, values: readonly unknown[], written: Written): Row[] {
    if (text === 'select 1') return [];
    const insert = INSERT.exec(text);
    if (insert) return this.insert(insert, values as unknown[][], written);
    const [, table = '', column = ''] = SELECT.exec(text) ?? DELETE.exec(text) ?? [];
    if (table === '') throw new Error(`the simulator does not understand: ${text}`);
    const wanted = new Set(values[0] as unknown[]);
    const found = this.seen(table, written).filter(([, row]) => wanted.has(row[column]));
    if (text.startsWith('select')) return found.map(([, row]) => ({ ...row }));
    for (const [key] of found) write(written, table, key, undefined);
    return [];
  }

  private insert(insert: RegExpExecArray, values: unknown[][], written: Written): Row[] {
    const [, table = '', names = '', onConflict] = insert;
    const columns = names.split(',').map((name) => name.trim());
    const present = new Set(this.seen(table, written).map(([key]) => key));
    for (let at = 0; at < (values[0]?.length ?? 0); at += 1) {
      const row = Object.fromEntries(columns.map((name, index) => [name, values[index]?.[at]]));
      const key = keyOf(table, row);
      if (present.has(key)) {
        if (onConflict === undefined) throw new Error(`${table} has the key ${key} already`);
        if (onConflict === 'do nothing') continue;
      }
      present.add(key);
      write(written, table, key, row);
    }
    return [];
  }

  /** The rows of a table as the transaction sees them. */
  private seen(table: string, written: Written): [string, Row][] {
    const rows = new Map<string, Row | undefined>(this.table(table));
    for (const [key, row] of written.get(table) ?? []) rows.set(key, row);
    return [...rows].filter((entry): entry is [string, Row] => entry[1] !== undefined);
  }

  private commit(written: Written): void {
    for (const [name, rows] of written) {
      const table = this.table(name);
      for (const [key, row] of rows) {
        if (row === undefined) table.delete(key);
        else table.set(key, row);
      }
    }
  }

  private table(name: string): Table {
    const table = this.tables.get(name) ?? new Map<string, Row>();
    this.tables.set(name, table);
    return table;
  }
}

function write(written: Written, table: string, key: string, row: Row | undefined): void {
  const rows = written.get(table) ?? new Map<string, Row | undefined>();
  rows.set(key, row);
  written.set(table, rows);
}

function keyOf(table: string, row: Row): string {
  const columns = keys[table];
  if (columns === undefined) throw new Error(`the simulator does not know the key of ${table}`);
  return columns.length === 1
    ? String(row[columns[0] ?? ''])
    : canonicalJson(columns.map((it) => row[it]));
}
