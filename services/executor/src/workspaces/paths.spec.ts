import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMemoryStore, digestOf } from '@writ/content-store';
import { needlesOf } from '@writ/programs';
import {
  collectArtifacts,
  OutputRefused,
  ReportedArtifacts,
  type CollectRequest,
} from './collect-artifacts';
import { digestFolder } from './digest-folder';
import { InsideFolder, PathRefused } from './inside-folder';
import { layArtifacts } from './lay-artifacts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'writ-paths-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;

/** A workspace with a file of somebody else beside it, and every way from the one to the other. */
function workspace() {
  const base = join(root, String((count += 1)));
  const path = join(base, 'ws');
  mkdirSync(join(path, 'sub'), { recursive: true });
  mkdirSync(join(base, 'ws-evil'));
  mkdirSync(join(base, 'outside'));
  writeFileSync(join(base, 'ws-evil', 'file'), 'OUTSIDE');
  writeFileSync(join(base, 'outside', 'file'), 'OUTSIDE');
  writeFileSync(join(path, 'file'), 'inside');
  symlinkSync(join(base, 'outside'), join(path, 'linked'));
  symlinkSync('../../outside', join(path, 'sub', 'linked'));
  symlinkSync(join(base, 'outside', 'file'), join(path, 'link-to-file'));
  symlinkSync('file', join(path, 'link-inside'));
  linkSync(join(base, 'outside', 'file'), join(path, 'hard'));
  execFileSync('mkfifo', [join(path, 'pipe')]);
  return { base, path, folder: new InsideFolder(path) };
}

const escapes: [string, string][] = [
  ['../outside/file', 'outside'],
  ['sub/../../outside/file', 'outside'],
  ['..', 'outside'],
  ['../ws-evil/file', 'outside'],
  ['/etc/passwd', 'absolute'],
  ['/proc/self/root/etc/passwd', 'absolute'],
  ['linked/file', 'not_a_folder'],
  ['sub/linked/file', 'not_a_folder'],
  ['link-to-file', 'symbolic_link'],
  ['link-inside', 'symbolic_link'],
  ['hard', 'hard_link'],
  ['pipe', 'not_a_file'],
  ['sub', 'not_a_file'],
  ['file/below', 'not_a_folder'],
  ['no/such/file', 'not_found'],
  ['a\0b', 'bad_name'],
  ['a\nb', 'bad_name'],
  ['', 'bad_name'],
  ['.', 'bad_name'],
  ['x'.repeat(300), 'bad_name'],
  [`${'d/'.repeat(5000)}x`, 'not_found'],
];

test.each(escapes)('%j is not read: %s', async (path, code) => {
  const { folder } = workspace();
  await expect(folder.openRead(path)).rejects.toMatchObject({ name: 'PathRefused', code });
});

test('a plain file is read, also by a roundabout name', async () => {
  const { folder } = workspace();
  for (const path of ['file', './file', './/./file']) {
    const { file } = await folder.openRead(path);
    expect(await file.readFile('utf8')).toBe('inside');
    await file.close();
  }
});

const unwritable: [string, string][] = [
  ['../outside/new', 'outside'],
  ['/tmp/new', 'absolute'],
  ['linked/new', 'not_a_folder'],
  ['sub/linked/deep/new', 'not_a_folder'],
  ['file/below', 'not_a_folder'],
  ['sub', 'not_a_file'],
];

test.each(unwritable)('%j is not written: %s', async (path, code) => {
  const { base, folder } = workspace();
  await expect(folder.write(path, [Buffer.from('x')])).rejects.toMatchObject({ code });
  expect(readdirSync(join(base, 'outside'))).toEqual(['file']);
  expect(readFileSync(join(base, 'outside', 'file'), 'utf8')).toBe('OUTSIDE');
});

test('a link in the place of a file is replaced, never written through', async () => {
  const { base, path, folder } = workspace();
  for (const name of ['link-to-file', 'hard']) await folder.write(name, [Buffer.from('mine')]);
  expect(readFileSync(join(base, 'outside', 'file'), 'utf8')).toBe('OUTSIDE');
  expect(readFileSync(join(path, 'link-to-file'), 'utf8')).toBe('mine');
});

test('writing makes folders, keeps what is executable, and leaves no draft behind', async () => {
  const { path, folder } = workspace();
  await folder.write('new/deep/tool', [Buffer.from('a'), Buffer.from('b')], { executable: true });
  expect(readFileSync(join(path, 'new/deep/tool'), 'utf8')).toBe('ab');
  expect(statSync(join(path, 'new/deep/tool')).mode & 0o777).toBe(0o755);
  async function* broken() {
    yield Buffer.from('half');
    throw new Error('cut off');
  }
  await expect(folder.write('new/deep/tool', broken())).rejects.toThrow('cut off');
  expect(readdirSync(join(path, 'new/deep'))).toEqual(['tool']);
  expect(readFileSync(join(path, 'new/deep/tool'), 'utf8')).toBe('ab');
});

test('a folder swapped for a link while it is used leads nowhere else', async () => {
  const { base, path, folder } = workspace();
  mkdirSync(join(path, 'swap'));
  writeFileSync(join(path, 'swap', 'file'), 'inside');
  symlinkSync(join(base, 'outside'), join(path, 'evil'));
  let stop = false;
  const swapping = (async () => {
    while (!stop) {
      renameSync(join(path, 'swap'), join(path, 'aside'));
      try {
        renameSync(join(path, 'evil'), join(path, 'swap'));
      } catch {
        // The writer has just made a folder in the gap.
        rmSync(join(path, 'swap'), { recursive: true });
        renameSync(join(path, 'evil'), join(path, 'swap'));
      }
      await new Promise((resolve) => setImmediate(resolve));
      renameSync(join(path, 'swap'), join(path, 'evil'));
      rmSync(join(path, 'swap'), { recursive: true, force: true });
      renameSync(join(path, 'aside'), join(path, 'swap'));
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const read = new Set<string>();
  for (let at = 0; at < 400; at += 1) {
    try {
      const { file } = await folder.openRead('swap/file');
      read.add(await file.readFile('utf8'));
      await file.close();
    } catch (error) {
      expect(error).toBeInstanceOf(PathRefused);
    }
    await folder.write('swap/made', [Buffer.from('x')]).catch((error: unknown) => {
      expect(error).toBeInstanceOf(PathRefused);
    });
  }
  stop = true;
  await swapping;
  expect([...read]).toEqual(['inside']);
  expect(readdirSync(join(base, 'outside'))).toEqual(['file']);
});

test('removing stays inside too', async () => {
  const { base, path, folder } = workspace();
  await folder.remove('file');
  await folder.remove('no/such');
  await folder.remove('link-to-file');
  await expect(folder.remove('linked/file')).rejects.toMatchObject({ code: 'not_a_folder' });
  await expect(folder.remove('../outside/file')).rejects.toMatchObject({ code: 'outside' });
  expect(readdirSync(join(base, 'outside'))).toEqual(['file']);
  expect(readdirSync(path)).not.toContain('file');
});

describe('collecting artifacts', () => {
  const collect = (folder: InsideFolder, more: Partial<CollectRequest>) => {
    const content = more.content ?? openMemoryStore();
    const none = { declared: [], reported: [], changed: [], needles: [] };
    return collectArtifacts({ folder, content, ...none, ...more });
  };

  test('takes declared files, folders and globs, reported and changed files, each once', async () => {
    const { path, folder } = workspace();
    mkdirSync(join(path, 'dist', 'deep'), { recursive: true });
    writeFileSync(join(path, 'dist', 'a.js'), 'a');
    writeFileSync(join(path, 'dist', 'deep', 'b.js'), 'b', { mode: 0o755 });
    writeFileSync(join(path, 'dist', 'c.txt'), 'c');
    writeFileSync(join(path, 'changed'), '');
    const content = openMemoryStore();
    const taken = await collect(folder, {
      content,
      declared: ['dist/**/*.js', 'dist'],
      reported: ['./file', 'file'],
      changed: ['changed', 'file'],
    });
    expect(taken).toEqual([
      { path: 'changed', digest: digestOf(Buffer.from('')), bytes: 0 },
      { path: 'dist/a.js', digest: digestOf(Buffer.from('a')), bytes: 1 },
      { path: 'dist/c.txt', digest: digestOf(Buffer.from('c')), bytes: 1 },
      { path: 'dist/deep/b.js', digest: digestOf(Buffer.from('b')), bytes: 1, executable: true },
      { path: 'file', digest: digestOf(Buffer.from('inside')), bytes: 6 },
    ]);
    expect(Buffer.from(await content.get(digestOf(Buffer.from('inside')))).toString()).toBe(
      'inside',
    );
  });

  test('a declared output that matches nothing is an error that names it', async () => {
    const { folder } = workspace();
    for (const declared of ['missing.txt', 'sub/*.txt', 'none/**']) {
      await expect(collect(folder, { declared: [declared] })).rejects.toMatchObject({
        code: 'output_missing',
        message: expect.stringContaining(declared),
      });
    }
  });

  test.each(escapes.filter(([path]) => path !== 'sub'))(
    'refuses %j as reported: %s',
    async (path, code) => {
      const { folder } = workspace();
      await expect(collect(folder, { reported: [path] })).rejects.toMatchObject({
        name: 'OutputRefused',
        code,
      });
    },
  );

  test('refuses what a glob or a folder finds beside plain files', async () => {
    const { folder } = workspace();
    for (const declared of ['link-*', 'ha*', 'pip*', '**']) {
      await expect(collect(folder, { declared: [declared] })).rejects.toBeInstanceOf(OutputRefused);
    }
  });

  test('refuses a file with a known secret in any form, small or large, and stores nothing of it', async () => {
    const { path, folder } = workspace();
    const value = 'the-value-of-the-key';
    const needles = needlesOf([{ name: 'KEY', value }]);
    const big = Buffer.alloc(3 * 1024 * 1024, 'x');
    writeFileSync(join(path, 'small'), Buffer.from(value).toString('base64'));
    // Over the border of two pieces.
    big.write(value, 1024 * 1024 - 5);
    writeFileSync(join(path, 'big'), big);
    for (const name of ['small', 'big']) {
      const content = openMemoryStore();
      await expect(collect(folder, { content, needles, declared: [name] })).rejects.toMatchObject({
        code: 'secret_in_output',
        message: expect.stringContaining(name),
      });
      expect(await content.has(digestOf(readFileSync(join(path, name))))).toBe(false);
    }
    writeFileSync(join(path, `named-${value}`), '');
    await expect(collect(folder, { needles, declared: ['named-*'] })).rejects.toMatchObject({
      code: 'secret_in_output',
      message: expect.not.stringContaining(value),
    });
  });

  test('has limits for number and size, which the message tells', async () => {
    const { path, folder } = workspace();
    mkdirSync(join(path, 'many'));
    for (let at = 0; at < 12; at += 1) writeFileSync(join(path, 'many', String(at)), '');
    await expect(
      collect(folder, { declared: ['many'], limits: { files: 10 } }),
    ).rejects.toMatchObject({ code: 'too_many_files', message: expect.stringContaining('12') });
    await expect(
      collect(folder, { declared: ['file'], limits: { bytesOfOne: 3 } }),
    ).rejects.toMatchObject({ code: 'too_large' });
  });
});

test('artifacts laid elsewhere are the same files', async () => {
  const { folder } = workspace();
  const other = workspace();
  const content = openMemoryStore();
  const request = { folder, content, declared: ['file'], reported: [], changed: [], needles: [] };
  const taken = await collectArtifacts(request);
  await layArtifacts(
    other.folder,
    taken.map((it) => ({ ...it, path: 'deep/copy' })),
    content,
  );
  expect(readFileSync(join(other.path, 'deep/copy'), 'utf8')).toBe('inside');
  await expect(
    layArtifacts(
      other.folder,
      taken.map((it) => ({ ...it, path: 'linked/x' })),
      content,
    ),
  ).rejects.toBeInstanceOf(PathRefused);
});

test('a program reports artifacts on lines of their own, however they are cut', () => {
  const reported = new ReportedArtifacts();
  const text =
    'ARTIFACT: a b.txt\nno ARTIFACT: x\nARTIFACTS: b, c/d ,,ü.txt\r\n' +
    `${'y'.repeat(200_000)}ARTIFACT: hidden\nARTIFACT:\nARTIFACT: c:d\nARTIFACT: last`;
  for (const byte of Buffer.from(text.slice(0, 100))) reported.take(Buffer.from([byte]));
  reported.take(Buffer.from(text.slice(100, 70_000)));
  reported.take(Buffer.from(text.slice(70_000)));
  reported.end();
  expect(reported.paths).toEqual(['a b.txt', 'b', 'c/d', 'ü.txt', 'c:d', 'last']);
});

test('the digest of a folder follows its files, and there is none for what cannot be compared', async () => {
  const path = mkdtempSync(join(root, 'digest-'));
  const all = () => false;
  mkdirSync(join(path, 'd'));
  writeFileSync(join(path, 'd', 'a'), 'a');
  const first = await digestFolder(path, all);
  expect(first).toMatch(/^sha256:/);
  expect(await digestFolder(path, all)).toBe(first);
  writeFileSync(join(path, 'd', 'a'), 'b');
  expect(await digestFolder(path, all)).not.toBe(first);
  expect(await digestFolder(path, (it) => it === 'd')).toBe(
    await digestFolder(mkdtempSync(join(root, 'empty-')), all),
  );
  expect(await digestFolder(path, all, { files: 0, bytes: 10 })).toBeUndefined();
  expect(await digestFolder(path, all, { files: 10, bytes: 0 })).toBeUndefined();
  symlinkSync('/etc/passwd', join(path, 'link'));
  expect(await digestFolder(path, all)).toBeUndefined();
});
