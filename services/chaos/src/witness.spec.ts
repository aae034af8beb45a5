import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  begunAgain,
  executionsOf,
  overlaps,
  readWitness,
  successes,
  witnessedScript,
  witnessFile,
} from './witness';

const run = 'aaaaaaaaaaaaaaaa-g1-build-it-a1';
const line = (what: 'begin' | 'beat' | 'end', token: string, at: number, of = run) => ({
  ...{ what, token, at, run: of },
  pid: 7,
});

it('reads what a step wrote', () => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-witness-'));
  try {
    for (let time = 0; time < 2; time += 1) {
      spawnSync('sh', ['-c', witnessedScript(1)], {
        cwd: folder,
        env: { ...process.env, WRIT_RUN: run },
      });
    }
    const executions = readWitness(join(folder, witnessFile));
    expect(executions).toHaveLength(2);
    expect(executions[0]).toMatchObject({
      directive: 'aaaaaaaaaaaaaaaa',
      step: 'build-it',
      generation: 1,
      attempt: 1,
      succeeded: true,
    });
    expect(executions[0]!.to - executions[0]!.from).toBeGreaterThanOrEqual(100);
    expect(overlaps(executions)).toEqual([]);
    expect([...successes(executions)]).toEqual([['aaaaaaaaaaaaaaaa build-it', 2]]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('finds two executions of one step at the same time, whichever attempt they are', () => {
  const other = run.replace('-a1', '-a2');
  const lines = [
    line('begin', 'x', 100),
    line('begin', 'y', 150, other),
    line('beat', 'x', 200),
    line('end', 'y', 300, other),
  ];
  expect(overlaps(executionsOf(lines))).toEqual([
    'aaaaaaaaaaaaaaaa build-it: processes 7 and 7 overlap by 50 ms',
  ]);
});

it('takes what was killed as ended with its last sign of life', () => {
  const lines = [line('begin', 'x', 100), line('beat', 'x', 200), line('begin', 'y', 200)];
  const executions = executionsOf(lines);
  expect(overlaps(executions)).toEqual([]);
  expect([...successes(executions).values()]).toEqual([0]);
});

it('finds a step that may run once and was begun again', () => {
  const executions = executionsOf([line('begin', 'x', 1), line('begin', 'y', 9)]);
  expect(begunAgain(executions, new Set())).toEqual([]);
  expect(begunAgain(executions, new Set(['aaaaaaaaaaaaaaaa build-it']))).toEqual([
    'aaaaaaaaaaaaaaaa build-it may run only once and was begun 2 times',
  ]);
});

it('says which line is none', () => {
  expect(() => executionsOf([line('begin', 'x', 1, 'nonsense')])).toThrow('"nonsense" is no run');
});
