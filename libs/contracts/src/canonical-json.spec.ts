import * as fc from 'fast-check';
import { canonical, canonicalJson, MAX_DEPTH, NotCanonicalError } from './canonical-json';

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

  it('gives with the text the value that reading it would give', () => {
    const members = fc.dictionary(
      fc.constantFrom('b', 'a', '10', '9', '__proto__', 'é'),
      fc.anything(),
    );
    const unusual = fc.constantFrom<unknown>(undefined, -0, new Date(0), { b: undefined, a: [] });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue({ maxDepth: 5 }), members, unusual), (given) => {
        let made;
        try {
          made = canonical(given);
        } catch (error) {
          return expect(error).toBeInstanceOf(NotCanonicalError);
        }
        const read = JSON.parse(made.text) as unknown;
        expect(made.value).toStrictEqual(read);
        expect(JSON.stringify(made.value)).toBe(JSON.stringify(read));
        expect(canonicalJson(given)).toBe(made.text);
      }),
    );
  });

  it('shares nothing with the value it was given', () => {
    const inner = { a: [1, { x: 'y' }], b: null };
    const { value } = canonical(inner);
    inner.a.push(2);
    expect(value).toEqual({ a: [1, { x: 'y' }], b: null });
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

  it.each([
    [-0, '0'],
    [1e21, '1e+21'],
    [1e20, '100000000000000000000'],
    [5e-324, '5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [9007199254740993, '9007199254740992'],
    [0.1 + 0.2, '0.30000000000000004'],
  ])('writes the number %p as ECMAScript does: %s', (number, text) => {
    expect(canonicalJson([number])).toBe(`[${text}]`);
    expect(Object.is(JSON.parse(text), number === 0 ? 0 : number)).toBe(true);
  });

  it('takes keys for what they are, whatever they are called', () => {
    const text = '{"":0,"__proto__":{"a":1},"constructor":2,"toString":3}';
    expect(canonicalJson(JSON.parse(text))).toBe(text);
    expect(canonicalJson({ '\ud800': 1, '\udbff': 2, '\0': 3 })).toBe(
      String.raw`{"\u0000":3,"\ud800":1,"\udbff":2}`,
    );
  });

  it('writes what writes itself, and a hole of a list as null', () => {
    expect(canonicalJson({ at: new Date(0) })).toBe('{"at":"1970-01-01T00:00:00.000Z"}');
    expect(canonicalJson([undefined, , 1])).toBe('[null,null,1]');
    const endless = { toJSON: (): unknown => endless };
    expect(() => canonicalJson(endless)).toThrow(`deeper than ${MAX_DEPTH}`);
  });

  it('leaves undefined members out', () => {
    expect(canonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}');
  });
});
