import { SimulatedTables } from './memory-tables';

const upsert = `insert into run (run_id, step) select * from unnest($1::text[], $2::text[])
  on conflict (run_id) do update set step = excluded.step`;

test('what a transaction writes is seen by itself, and by others when it is committed', async () => {
  const tables = new SimulatedTables();
  const { tx, commit } = tables.begin();
  await tx.query(upsert, [
    ['a', 'b'],
    ['one', 'two'],
  ]);
  expect(await tx.query('select * from run where run_id = any($1)', [['b']])).toEqual([
    { run_id: 'b', step: 'two' },
  ]);
  expect(tables.rows('run')).toEqual([]);
  commit();
  expect(tables.row('run', 'a')).toEqual({ run_id: 'a', step: 'one' });
});

test('rows are replaced, kept or deleted as the text says', async () => {
  const tables = new SimulatedTables();
  const write = async (text: string, values: unknown[]) => {
    const { tx, commit } = tables.begin();
    await tx.query(text, values);
    commit();
  };
  await write(upsert, [
    ['a', 'b'],
    ['one', 'two'],
  ]);
  await write(upsert, [['a'], ['again']]);
  await write('delete from run where run_id = any($1)', [['b']]);
  const kept = `insert into reference (digest, owner) select * from unnest($1::text[], $2::text[])
    on conflict do nothing`;
  await write(kept, [
    ['d', 'd'],
    ['o', 'o'],
  ]);
  expect(tables.rows('run')).toEqual([{ run_id: 'a', step: 'again' }]);
  expect(tables.rows('reference')).toHaveLength(1);
});

test('a key that is there already, and a text that is not understood, are errors', async () => {
  const { tx } = new SimulatedTables().begin();
  const insert = 'insert into evaluation (run_id) select * from unnest($1::text[])';
  await tx.query(insert, [['a']]);
  await expect(tx.query(insert, [['a']])).rejects.toThrow('evaluation has the key a already');
  await expect(tx.query('select now()')).rejects.toThrow('does not understand: select now()');
});
