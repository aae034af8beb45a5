import { DirectiveFile } from '@writ/contracts';
import { examinePlan } from './examine-plan';
import { globsMayMeet } from './planning-outputs';

describe('two patterns', () => {
  it.each([
    ['a.txt', 'a.txt', true],
    ['a.txt', './a.txt', true],
    ['a.txt', 'b.txt', false],
    ['*.txt', 'a.txt', true],
    ['*.txt', '*.md', false],
    ['a*', '*b', true],
    ['src/**', 'src/x/y.ts', true],
    ['src/**', 'docs/x', false],
    ['**/x', 'a/**', true],
    ['a/*/c', 'a/b/c', true],
    ['a/*/c', 'a/c', false],
    ['[ab].txt', 'a.txt', true],
    ['{a,b}.txt', 'b.txt', true],
    ['{a/x,b/y}/*.txt', 'a/x/1.txt', true],
    ['out/a/**', 'out/b/**', false],
  ])('%s and %s may mean one path: %s', (one, other, expected) => {
    expect(globsMayMeet(one, other)).toBe(expected);
    expect(globsMayMeet(other, one)).toBe(expected);
  });
});

describe('outputs of steps', () => {
  const overlaps = (workspace: object, ...steps: object[]) => {
    const verify = 'none';
    const chain = { steps: steps.map((it) => ({ adapter: { kind: 'echo' }, verify, ...it })) };
    const file = DirectiveFile.parse({ title: 't', goal: 'g', workspace, chain });
    return examinePlan(file)
      .issues.filter(({ code }) => code === 'outputs_overlap')
      .map(({ path }) => path);
  };
  const folder = { kind: 'directory', path: '/w' };
  const one = { name: 'one', outputs: ['out/*.txt'] };
  const other = { name: 'other', outputs: ['out/a.txt'] };

  it('that may run at the same time in one directory are told when they overlap', () => {
    expect(overlaps(folder, one, other)).toEqual(['/chain/steps/1/outputs']);
    expect(overlaps(folder, one, { name: 'other', outputs: ['else/a.txt'] })).toEqual([]);
    const program = { kind: 'program', argv: ['x'], stdoutTo: 'out/b.txt' };
    expect(overlaps(folder, one, { name: 'other', adapter: program })).toHaveLength(1);
  });

  it('are left alone when one waits for the other, however far up', () => {
    const between = { name: 'between', dependsOn: ['one'] };
    expect(overlaps(folder, one, between, { ...other, dependsOn: ['between'] })).toEqual([]);
  });

  it('are left alone in git, and without a workspace as long as no step is given both', () => {
    expect(overlaps({ kind: 'git', repository: '/r' }, one, other)).toEqual([]);
    expect(overlaps({ kind: 'none' }, one, other)).toEqual([]);
    const both = { name: 'both', dependsOn: ['one', 'other'] };
    expect(overlaps({ kind: 'none' }, one, other, both)).toEqual(['/chain/steps/1/outputs']);
  });

  it('are looked at in a moment, with two thousand steps in a row and one beside them', () => {
    const steps = Array.from({ length: 1999 }, (_, at) => ({
      ...{ name: `s${at}`, outputs: ['same.txt'] },
      dependsOn: at === 0 ? [] : [`s${at - 1}`],
    }));
    const began = performance.now();
    expect(overlaps(folder, { name: 'beside', outputs: ['same.txt'] }, ...steps)).toHaveLength(20);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
