import { plainLine, plainText } from './plain-text';

const ESC = '\x1b';

test.each([
  ['a cursor movement', `a${ESC}[2Jb${ESC}[10;5Hc`, 'abc'],
  ['a window title', `a${ESC}]0;owned\x07b`, 'ab'],
  ['a link', `${ESC}]8;;http://evil\x07text${ESC}]8;;\x07`, 'text'],
  ['a clipboard write', `a${ESC}]52;c;ZXZpbA==${ESC}\\b`, 'ab'],
  ['an unfinished sequence', `a${ESC}]0;never ends`, 'a'],
  ['eight-bit forms', 'a\x9b2Jb\x9d0;x\x9cc', 'abc'],
  ['a device control string', `a${ESC}P1$r${ESC}\\b`, 'ab'],
  ['a carriage return that overwrites', 'good\rbad', 'good\nbad'],
  ['a bell and a NUL', 'a\x07b\0c', 'abc'],
  ['a reversed reading direction', 'a\u202eb', 'a<U+202E>b'],
  ['hidden tag characters', 'a\u{e0041}b', 'a<U+E0041>b'],
])('%s does not reach the screen', (_, text, shown) => {
  expect(plainText(text)).toBe(shown);
});

test('colours go unless they are asked for, and then they alone stay', () => {
  const text = `${ESC}[31mred${ESC}[0m ${ESC}[2K${ESC}[1;4mbold`;
  expect(plainText(text)).toBe('red bold');
  expect(plainText(text, { keepColours: true })).toBe(`${ESC}[31mred${ESC}[0m ${ESC}[1;4mbold`);
});

test('a NUL cannot smuggle anything past the colours', () => {
  expect(plainText(`\0${ESC}[31mred\0${ESC}[2J`, { keepColours: true })).toBe('red');
});

test('ordinary text stays as it is', () => {
  const text = 'Grüße, 世界 🙂\n\tindented';
  expect(plainText(text)).toBe(text);
});

test('a line is one line and bounded', () => {
  expect(plainLine('a\n  b\tc')).toBe('a b c');
  expect(plainLine('abcdef', 4)).toBe('abc…');
});
