import * as fc from 'fast-check';
import { canonicalJson, MAX_DEPTH, NotCanonicalError } from './canonical-json';

describe('canonical JSON', () => {
  it('writes the example of RFC 8785, section 3.2.3', () => {
    const value = JSON.parse(
      String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],` +
        String.raw`"string":"€$\u000F\nA'B\"\\\\\"\/","literals":[null,true,false]}`,
    ) as unknown;
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        String.raw`"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it('orders members by UTF-16 code units, as section 3.2.3 sorts them', () => {
    const value = {
      '\u20ac': 1,
      '\r': 2,
      '\ufb33': 3,
      '1': 4,
      '\u{1f600}': 5,
      '\u0080': 6,
      '\u00f6': 7,
    };
    expect(Object.values(JSON.parse(canonicalJson(value)) as object)).toHaveLength(7);
    expect(canonicalJson(value).match(/:\d/g)?.join('')).toBe(':2:4:6:7:1:5:3');
  });

  it('reads back as the same value, whatever the order of members', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it('keeps NUL and lone surrogates as escapes', () => {
    expect(canonicalJson('a\0b\ud800')).toBe(String.raw`"a\u0000b\ud800"`);
  });

  it.each([
    ['NaN', { a: [1, NaN] }, '/a/1'],
    ['an infinity', { big: Infinity }, '/big'],
    ['a bigint', { n: 1n }, '/n'],
    ['a function', { f: () => 1 }, '/f'],
  ])('refuses %s and names its place', (_, value, path) => {
    expect(() => canonicalJson(value)).toThrow(
      expect.objectContaining({ path, name: 'NotCanonicalError' }),
    );
  });

  it('refuses what is nested too deep, and cycles with it', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 10_000; level += 1) deep = [deep];
    expect(() => canonicalJson(deep)).toThrow(NotCanonicalError);
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(() => canonicalJson(cycle)).toThrow(`deeper than ${MAX_DEPTH}`);
  });

  it('leaves undefined members out', () => {
    expect(canonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}');
  });
});
