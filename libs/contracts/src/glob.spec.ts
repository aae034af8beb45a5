import { alternativesIn, compileGlob } from './glob';

describe('a glob', () => {
  it.each([
    ['a.txt', 'a.txt', true],
    ['./out//a.txt', 'out/a.txt', true],
    ['a.txt', 'b/a.txt', false],
    ['*.txt', 'a.txt', true],
    ['*.txt', 'b/a.txt', false],
    ['*', '.hidden', true],
    ['out/*/x', 'out/a/x', true],
    ['out/*/x', 'out/a/b/x', false],
    ['**/*.ts', 'a.ts', true],
    ['**/*.ts', 'a/b/c.ts', true],
    ['src/**', 'src/a/b', true],
    ['src/**', 'source/a', false],
    ['a/**/z', 'a/z', true],
    ['a/**/b/**/z', 'a/1/b/2/b/3/z', true],
    ['?.md', 'a.md', true],
    ['?.md', 'ab.md', false],
    ['[a-c]x[!0-9]', 'bxz', true],
    ['[a-c]x[!0-9]', 'bx3', false],
    ['[]x', '[]x', true],
    ['{a,b/c}.{ts,js}', 'b/c.js', true],
    ['{a,b/c}.{ts,js}', 'b.js', false],
    ['{a,{b,c}}d', 'cd', true],
    ['a{b', 'a{b', true],
    ['a+(b).txt', 'a+(b).txt', true],
    ['*ß?', 'großé', true],
  ])('%s on %s: %s', (pattern, path, expected) => {
    expect(compileGlob(pattern).matches(path)).toBe(expected);
  });

  it('knows a plain path, and the folder in which it can match', () => {
    expect(compileGlob('out/a.txt')).toMatchObject({
      literal: 'out/a.txt',
      base: 'out',
    });
    expect(compileGlob('out/b/**/*.md')).toMatchObject({
      literal: null,
      base: 'out/b',
    });
    expect(compileGlob('*.md')).toMatchObject({ literal: null, base: '' });
  });

  it('takes no longer for many stars', () => {
    const pattern = `${'*a'.repeat(200)}b`;
    const start = performance.now();
    expect(compileGlob(pattern).matches('a'.repeat(1000))).toBe(false);
    expect(compileGlob(`${'**/a/'.repeat(100)}b`).matches('a/'.repeat(500))).toBe(false);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it.each([
    ['a/*.txt', 1],
    ['{a,b}', 2],
    ['{a,b}{c,d,e}', 6],
    ['{a,{b,c}d}{e,f}', 6],
    ['{a}', 1],
    ['a,b}', 1],
    ['{a,b}'.repeat(300), 2 ** 300],
  ])('%s stands for %d patterns', (pattern, count) => {
    expect(alternativesIn(pattern)).toBe(count);
  });

  it('refuses braces that stand for too much', () => {
    expect(() => compileGlob('{a,b}'.repeat(20))).toThrow(/more than 256 patterns/);
  });
});
