import fc from 'fast-check';

import { jsonPlace } from './json-place';

test.each([
  ['{"a": x}', 1, 7, 'expected value, found "x}"'],
  ['{\n  "a": 1,\n}', 3, 1, 'expected a key in double quotes, found "}"'],
  ['{"a" 1}', 1, 6, 'expected :, found "1}"'],
  ['[1, 2', 1, 6, 'expected , or ], found the end'],
  ['{"a": "b', 1, 7, 'expected value, found "\\"b"'],
  ['[1] 2', 1, 5, 'expected the end, found "2"'],
  ['{"a": 01}', 1, 7, 'expected value, found "01}"'],
  ['{"a": "b\nc"}', 1, 7, 'expected value, found "\\"b\\nc\\"}"'],
  ["{'a': 1}", 1, 2, 'expected a key in double quotes or }, found "\'a\': 1}"'],
  ['[1}', 1, 3, 'expected , or ], found "}"'],
  ['', 1, 1, 'expected value, found the end'],
])('%j goes wrong at line %i, column %i', (text, line, column, reason) => {
  expect(() => JSON.parse(text) as unknown).toThrow();
  expect(jsonPlace(text)).toEqual({ line, column, reason });
});

test('in JSON itself nothing is found but its end, and in any other text a place', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 3 }), (json, at, put) => {
      expect(jsonPlace(json).reason).toBe('expected the end, found the end');
      const cut = at % (json.length + 1);
      const text = json.slice(0, cut) + put + json.slice(cut);
      const found = jsonPlace(text).reason === 'expected the end, found the end';
      expect(found).toBe(parses(text));
    }),
  );
});

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
