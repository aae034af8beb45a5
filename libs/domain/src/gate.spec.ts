import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Autonomy, ConfidenceLevel } from '@writ/contracts';
import { gate, gateTable } from './gate';

const lifecycles = readFileSync(join(__dirname, '../../../docs/LIFECYCLES.md'), 'utf8');
const levels = ['green', 'yellow', 'unknown', 'red'] as const;
const autonomies = Object.keys(gateTable) as Autonomy[];

it('seed defect 4: what is documented is what is done, in each cell', () => {
  const cells = lifecycles
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter(([, autonomy]) => Object.hasOwn(gateTable, autonomy ?? ''));
  expect(cells.map(([, autonomy]) => autonomy)).toEqual(autonomies);
  for (const [, autonomy, green, yellow, red, atLimit] of cells) {
    const done = (level: ConfidenceLevel, over = false) => gate(autonomy as Autonomy, level, over);
    expect([autonomy, done('green'), done('yellow'), done('unknown')]).toEqual([
      ...[autonomy, green, yellow, yellow],
    ]);
    expect([autonomy, done('red'), done('red', true)]).toEqual([autonomy, red, atLimit]);
  }
});

it('another table is another policy, in the cell that differs and no other', () => {
  for (const autonomy of autonomies) {
    for (const changed of levels) {
      const row = { ...gateTable[autonomy], [changed]: 'block' as const };
      for (const level of levels) {
        const { [level]: usual } = gateTable[autonomy];
        const expected = level === changed ? 'block' : usual;
        expect(gate(autonomy, level, false, { ...gateTable, [autonomy]: row })).toBe(expected);
      }
    }
  }
});
