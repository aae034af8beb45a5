import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ContentStore, digestOf, openFolderStore } from '@writ/content-store';
import { Uploads } from './uploads';

let dir: string;
let content: ContentStore;
let uploads: Uploads;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'writ-uploads-'));
  content = await openFolderStore(dir);
  uploads = open();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = () => new Uploads({ contentDir: dir, content, maxBytes: 20, maxUploads: 3 });
const piece = (uploadId: string, text: string, offset: number, last = false) => ({
  ...{ uploadId, offset, last },
  bytes: Buffer.from(text),
});
const drafts = () => readdirSync(join(dir, 'tmp'));

it('stores what arrives in one piece', async () => {
  const { digest } = (await uploads.add(piece('a', 'whole', 0, true))) as { digest: string };
  expect(Buffer.from(await content.get(digest)).toString()).toBe('whole');
  expect(drafts()).toEqual([]);
});

it('puts pieces together, also when each goes to another process', async () => {
  expect(await uploads.add(piece('a', 'one ', 0))).toEqual({ received: 4 });
  expect(await open().add(piece('a', 'two ', 4))).toEqual({ received: 8 });
  const stored = await open().add(piece('a', 'three', 8, true));
  expect(stored).toEqual({ digest: digestOf(Buffer.from('one two three')), bytes: 13 });
  expect(drafts()).toEqual([]);
});

it('takes a last piece of nothing', async () => {
  await uploads.add(piece('a', 'all', 0));
  expect(await uploads.add(piece('a', '', 3, true))).toMatchObject({ bytes: 3 });
});

it('answers a piece that came already as before, and refuses one that does not fit', async () => {
  await uploads.add(piece('a', 'one ', 0));
  expect(await uploads.add(piece('a', 'one ', 0))).toEqual({ received: 4 });
  const gap = uploads.add(piece('a', 'three', 8));
  await expect(gap).rejects.toMatchObject({ code: 'stale', details: { received: 4 } });
});

it('takes a piece that comes twice at the same moment once', async () => {
  await uploads.add(piece('a', 'one ', 0));
  await Promise.all([1, 2, 3].map(() => open().add(piece('a', 'two ', 4))));
  const stored = await uploads.add(piece('a', 'three', 8, true));
  expect(stored).toEqual({ digest: digestOf(Buffer.from('one two three')), bytes: 13 });
});

it('refuses more than an upload may have, and keeps nothing of it', async () => {
  await uploads.add(piece('a', 'x'.repeat(15), 0));
  const more = uploads.add(piece('a', 'x'.repeat(6), 15));
  await expect(more).rejects.toMatchObject({ code: 'too_large' });
  expect(drafts()).toEqual([]);
});

it('refuses more uploads than it may have at a time, until old ones are given up', async () => {
  for (const name of ['a', 'b', 'c']) await uploads.add(piece(name, name, 0));
  await expect(uploads.add(piece('d', 'd', 0))).rejects.toMatchObject({ code: 'busy' });
  const hoursAgo = new Date(Date.now() - 4_000_000);
  utimesSync(join(dir, 'tmp', 'upload-b.tmp'), hoursAgo, hoursAgo);
  await uploads.add(piece('d', 'd', 0));
  expect(drafts().sort()).toEqual(['upload-a.tmp', 'upload-c.tmp', 'upload-d.tmp']);
});

it.each(['', '../../x', 'a/b', 'a\0b', 'x'.repeat(65)])('refuses the upload id %j', async (id) => {
  await expect(uploads.add(piece(id, 'x', 0))).rejects.toMatchObject({ code: 'malformed' });
  await expect(uploads.add(piece(id, 'x', 0, true))).rejects.toMatchObject({ code: 'malformed' });
});
