import fc from 'fast-check';

import { lineReader, readSse } from './read-sse';

async function* inPieces(bytes: Uint8Array, sizes: number[]) {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test('events are the same however the bytes are cut', async () => {
  const text =
    ': hi\n\nretry: 5\n\nid: 1\ndata: {"a":"ü"}\n\nevent: end\r\ndata:x\r\ndata: y\r\n\r\n';
  const expected = [
    { id: '1', event: 'message', data: '{"a":"ü"}' },
    { id: '1', event: 'end', data: 'x\ny' },
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 9 })), async (sizes) => {
      expect(await all(readSse(inPieces(Buffer.from(text), sizes)))).toEqual(expected);
    }),
  );
});

test('an event that is cut off is not told', async () => {
  expect(await all(readSse(inPieces(Buffer.from('data: 1\n\ndata: 2\n'), [])))).toHaveLength(1);
});

test('a last line without its end is a line', async () => {
  expect(await all(lineReader(inPieces(Buffer.from('a\r\n\nb'), [2])))).toEqual(['a', '', 'b']);
});
