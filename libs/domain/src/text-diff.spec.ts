import * as fc from 'fast-check';
import { diffLines, filesOfDiff, unifiedDiff } from './text-diff';

const side = (lines: ReturnType<typeof diffLines>, sign: '-' | '+') =>
  lines.filter((line) => line.sign === ' ' || line.sign === sign).map(({ text }) => text);

describe('a difference', () => {
  it('holds both texts, whatever they are', () => {
    const words = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 });
    fc.assert(
      fc.property(words, words, (before, after) => {
        const lines = diffLines(before, after);
        expect(side(lines, '-')).toEqual(before);
        expect(side(lines, '+')).toEqual(after);
      }),
    );
  });

  it('is the shortest', () => {
    const edits = (before: string, after: string) =>
      diffLines([...before], [...after]).filter(({ sign }) => sign !== ' ').length;
    expect(edits('abcabba', 'cbabac')).toBe(5);
    expect(edits('same', 'same')).toBe(0);
    expect(edits('', 'abc')).toBe(3);
  });

  it('is shown with three lines around it, and its place', () => {
    const before = [...Array(20).keys()].map((it) => `line ${it}`);
    const after = before.with(10, 'another');
    expect(unifiedDiff('x', `${before.join('\n')}\n`, `${after.join('\n')}\n`)).toBe(
      [
        ...['--- a/x', '+++ b/x', '@@ -8,7 +8,7 @@', ' line 7', ' line 8', ' line 9'],
        ...['-line 10', '+another', ' line 11', ' line 12', ' line 13', ''],
      ].join('\n'),
    );
  });

  it('tells two places that are far from each other apart', () => {
    const before = [...Array(40).keys()].map(String);
    const after = before.with(5, 'x').with(30, 'y');
    const diff = unifiedDiff('x', before.join('\n'), after.join('\n'));
    expect(diff.match(/^@@.*@@$/gm)).toEqual(['@@ -3,7 +3,7 @@', '@@ -28,7 +28,7 @@']);
  });

  it('knows what was not there, and an end without a line break', () => {
    expect(unifiedDiff('x', null, 'one')).toBe(
      '--- /dev/null\n+++ b/x\n@@ -0,0 +1,1 @@\n+one\n\\ No newline at end of file\n',
    );
    expect(unifiedDiff('x', 'one\n', 'one\n')).toBe('');
    expect(unifiedDiff('x', 'one\n', 'one')).not.toBe('');
  });

  it('of texts that have nothing in common is quick', () => {
    const text = (word: string) => [...Array(20_000).keys()].map((it) => word + it).join('\n');
    const began = performance.now();
    expect(unifiedDiff('x', text('a'), text('b'))).toContain('-a0');
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

describe('a diff that is read back', () => {
  it('has its files, also those whose lines look like headers', () => {
    const git = [
      ...['diff --git a/src/a.ts b/src/a.ts', 'index 1..2 100644', '--- a/src/a.ts'],
      ...['+++ b/src/a.ts', '@@ -1,2 +1,2 @@', '--- not a header', '+++ neither', ' same'],
      ...['diff --git a/new.png b/new.png', 'new file mode 100644', 'index 0..1'],
      ...['Binary files /dev/null and b/new.png differ', ''],
    ].join('\n');
    expect(filesOfDiff(git)).toEqual([
      { path: 'src/a.ts', isNew: false, isBinary: false, added: ['++ neither'], removed: 1 },
      { path: 'new.png', isNew: true, isBinary: true, added: [], removed: 0 },
    ]);
  });

  it('is what was written', () => {
    const diff = unifiedDiff('a', 'x\n', 'y\nz\n') + unifiedDiff('b', null, 'new\n');
    expect(filesOfDiff(diff)).toEqual([
      { path: 'a', isNew: false, isBinary: false, added: ['y', 'z'], removed: 1 },
      { path: 'b', isNew: true, isBinary: false, added: ['new'], removed: 0 },
    ]);
  });
});
