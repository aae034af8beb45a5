import { ownFoldersIn } from './own-folders';

test('finds the outermost folders of ours in a workspace', () => {
  const hidden = [
    '/w/.writ',
    '/w/.writ/data',
    '/w/deep/er/content',
    '/w/deep/er/content/x',
    '/v/a',
  ];
  expect(ownFoldersIn('/w', hidden)).toEqual(['.writ', 'deep/er/content']);
  expect(ownFoldersIn('/w/deep', hidden)).toEqual(['er/content']);
});

test('finds none beside it, around it, or where it is one itself', () => {
  expect(ownFoldersIn('/w/.writ/data/run', ['/w/.writ'])).toEqual([]);
  expect(ownFoldersIn('/w', ['/w-2/.writ', '/w'])).toEqual([]);
});
