/** What every content store must do; run by the spec of each. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { ContentStore } from './content-store';

export interface Harness {
  open(): Promise<ContentStore>;
  /** Changes the bytes under a digest behind the store's back; absent where nobody can. */
  damage?(digest: string): Promise<void>;
  close?(): Promise<void>;
}

const ABC = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const NOTHING = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const ABSENT = `sha256:${'0'.repeat(64)}`;

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();

async function* pieces(...texts: string[]) {
  for (const text of texts) yield bytesOf(text);
}

async function readAll(stream: Readable): Promise<string> {
  const read: Buffer[] = [];
  for await (const piece of stream) read.push(piece as Buffer);
  return Buffer.concat(read).toString();
}

export function describeContentStore(name: string, harness: Harness): void {
  describe(`the content store ${name}`, () => {
    let store: ContentStore;
    beforeAll(async () => {
      store = await harness.open();
    });
    afterAll(async () => {
      await store?.close();
      await harness.close?.();
    });

    it('gives back what was put, under its digest', async () => {
      expect(await store.put(bytesOf('abc'))).toEqual({
        digest: ABC,
        bytes: 3,
      });
      expect(textOf(await store.get(ABC))).toBe('abc');
      expect(await store.has(ABC)).toBe(true);
      expect(await store.size(ABC)).toBe(3);
    });

    it('keeps content of no bytes', async () => {
      expect(await store.put(new Uint8Array())).toEqual({
        digest: NOTHING,
        bytes: 0,
      });
      expect((await store.get(NOTHING)).length).toBe(0);
      expect(await readAll(await store.openRead(NOTHING))).toBe('');
      expect(await store.size(NOTHING)).toBe(0);
    });

    it('keeps bytes that are no text', async () => {
      const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7) & 255);
      const { digest } = await store.put(bytes);
      expect(Buffer.from(await store.get(digest)).equals(bytes)).toBe(true);
    });

    it('is not touched by a later change of the buffer that was put', async () => {
      const bytes = bytesOf('before');
      const { digest } = await store.put(bytes);
      bytes.fill(0);
      expect(textOf(await store.get(digest))).toBe('before');
    });

    it('takes the same bytes again, and from many at the same time', async () => {
      const all = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          index % 2 ? store.put(bytesOf('twice')) : store.putStream(pieces('tw', 'ice')),
        ),
      );
      expect(new Set(all.map((it) => it.digest)).size).toBe(1);
      expect(textOf(await store.get(all[0]?.digest ?? ''))).toBe('twice');
    });

    it('takes many at once and answers in their order', async () => {
      const texts = ['one', 'a much longer one', '', 'one', ...Array(20).fill('again')] as string[];
      const stored = await store.putMany(texts.map(bytesOf));
      expect(stored.map((it) => it.bytes)).toEqual(texts.map((text) => text.length));
      const read = await Promise.all(stored.map((it) => store.get(it.digest)));
      expect(read.map(textOf)).toEqual(texts);
      expect(await store.putMany([])).toEqual([]);
    });

    it('takes a stream, whatever its pieces', async () => {
      const stored = await store.putStream(pieces('a', '', 'b', 'c'));
      expect(stored).toEqual({ digest: ABC, bytes: 3 });
    });

    it('reads as a stream, whole or a range', async () => {
      const { digest } = await store.put(bytesOf('0123456789'));
      expect(await readAll(await store.openRead(digest))).toBe('0123456789');
      expect(await readAll(await store.openRead(digest, { offset: 3, length: 4 }))).toBe('3456');
      expect(await readAll(await store.openRead(digest, { offset: 8, length: 9 }))).toBe('89');
      expect(await readAll(await store.openRead(digest, { offset: 7 }))).toBe('789');
      expect(await readAll(await store.openRead(digest, { offset: 99 }))).toBe('');
    });

    it('refuses a stream above the limit and keeps nothing of it', async () => {
      const taken = store.putStream(pieces('too ', 'large'), { maxBytes: 8 });
      await expect(taken).rejects.toMatchObject({ code: 'too_large' });
      const digest = `sha256:${createHash('sha256').update('too large').digest('hex')}`;
      expect(await store.has(digest)).toBe(false);
      await expect(
        store.putStream(pieces('just ', 'fits'), { maxBytes: 9 }),
      ).resolves.toMatchObject({ bytes: 9 });
    });

    it('passes on the error of a source that breaks, and keeps nothing of it', async () => {
      async function* breaks() {
        yield bytesOf('the first half');
        throw new Error('the source broke');
      }
      await expect(store.putStream(breaks())).rejects.toThrow('the source broke');
      const digest = `sha256:${createHash('sha256').update('the first half').digest('hex')}`;
      expect(await store.has(digest)).toBe(false);
    });

    it('says not_found for what is not there', async () => {
      expect(await store.has(ABSENT)).toBe(false);
      for (const ask of ['get', 'size', 'openRead'] as const) {
        const asked = store[ask](ABSENT);
        await expect(asked).rejects.toMatchObject({
          code: 'not_found',
          digest: ABSENT,
        });
      }
    });

    it.each(['', 'abc', ABC.toUpperCase(), `${ABC}\n`, 'sha256:../../../../etc/passwd', 'md5:00'])(
      'refuses %j as a digest',
      async (digest) => {
        for (const ask of ['get', 'size', 'openRead', 'has'] as const) {
          await expect(store[ask](digest)).rejects.toMatchObject({
            code: 'bad_digest',
          });
        }
      },
    );

    const { damage } = harness;
    if (damage) {
      it('says so when the bytes are no longer those of the digest, and takes them anew', async () => {
        const { digest } = await store.put(bytesOf('precious'));
        await damage(digest);
        await expect(store.get(digest)).rejects.toMatchObject({
          code: 'corrupt',
          digest,
        });
        const read = store.openRead(digest).then(readAll);
        await expect(read).rejects.toMatchObject({ code: 'corrupt' });
        await store.put(bytesOf('precious'));
        expect(textOf(await store.get(digest))).toBe('precious');
      });
    }
  });
}
