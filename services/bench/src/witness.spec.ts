import { executionsOf, twiceAtOnce } from './witness';

const at = (ms: number) => 1_700_000_000_000 + ms;
const lines = (...said: [run: string, execution: string, ms: number][]) =>
  said.map(([run, execution, ms]) => `${run} ${execution} ${at(ms)}`).join('\n');

test('an execution lasts from its first word to its last', () => {
  const text = lines(['a', '1', 20], ['a', '1', 0], ['b', '2', 5]);
  expect(executionsOf(text)).toEqual([
    { run: 'a', from: at(0), to: at(20) },
    { run: 'b', from: at(5), to: at(5) },
  ]);
});

test('two executions of one run at the same moment are found', () => {
  const text = lines(['a', '1', 0], ['a', '2', 15], ['a', '1', 20], ['b', '3', 0], ['b', '3', 40]);
  expect(twiceAtOnce(executionsOf(text))).toEqual(['a']);
});

test('one after the other is as it should be', () => {
  const text = lines(['a', '1', 0], ['a', '1', 20], ['a', '2', 25], ['a', '2', 40]);
  expect(twiceAtOnce(executionsOf(text))).toEqual([]);
});

test('a line that death cut off was not written', () => {
  expect(executionsOf(`${lines(['a', '1', 0])}\na 1 17000`)).toHaveLength(1);
});
