import { adapterOf, commandOf } from '.';

test('echo answers with what it was given, as text', () => {
  const answer = (output?: unknown) => {
    const adapter = { kind: 'echo', output } as const;
    const found = adapterOf(adapter);
    return found.inProcess ? found.answer(adapter) : undefined;
  };
  expect(answer('text')).toMatchObject({ outcome: 'success', exitCode: 0, stdout: 'text' });
  expect(answer({ a: [1] })?.stdout).toBe('{"a":[1]}');
  expect(answer()?.stdout).toBe('');
});

test('a program keeps its argv, a script goes to sh as one argument', () => {
  expect(commandOf({ kind: 'program', argv: ['a', 'b c'], stdin: 'x' })).toMatchObject({
    argv: ['a', 'b c'],
    stdin: 'x',
  });
  expect(commandOf({ kind: 'shell', script: 'echo "$1"; exit' })).toMatchObject({
    argv: ['/bin/sh', '-c', 'echo "$1"; exit'],
  });
  expect(commandOf({ kind: 'echo' })).toBeUndefined();
});
