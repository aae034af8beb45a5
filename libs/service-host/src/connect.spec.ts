import { ContentError, openMemoryStore, type ContentStore } from '@writ/content-store';
import { Unavailable } from '@writ/contracts';
import { claimCheckOf } from './connect';

const failing = (code: ContentError['code']): ContentStore => ({
  ...openMemoryStore(),
  put: () => Promise.reject(new ContentError(code, 'it fails')),
  get: () => Promise.reject(new ContentError(code, 'it fails')),
});

test('a disk that is away is told apart from content that is not there', async () => {
  for (const code of ['cannot_read', 'cannot_write'] as const) {
    const check = claimCheckOf(failing(code));
    await expect(check.put(Buffer.from('x'))).rejects.toThrow(Unavailable);
    await expect(check.get('sha256:0')).rejects.toThrow(Unavailable);
  }
  await expect(claimCheckOf(failing('not_found')).get('sha256:0')).rejects.toThrow(ContentError);
});
