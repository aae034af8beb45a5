import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformFileSync } from '@swc/core';
import { eventually } from '@writ/testing';
import type { ContentStore } from './content-store';
import { describeContentStore } from './content-store.conformance';
import { openFolderStore } from './folder-store';

const folder = () => mkdtempSync(join(tmpdir(), 'writ-content-'));
const pathOf = (dir: string, digest: string) =>
  join(dir, digest.slice(7, 9), digest.slice(9, 11), digest.slice(7));
const onLinux = process.platform === 'linux' ? it : it.skip; // prlimit
const filesIn = (dir: string) =>
  readdirSync(dir, { recursive: true, withFileTypes: true }).filter((it) => it.isFile());

let conformed: string;
describeContentStore('in a folder', {
  open: () => openFolderStore((conformed = folder())),
  damage: async (digest) => {
    const path = pathOf(conformed, digest);
    chmodSync(path, 0o644);
    writeFileSync(path, 'precioux');
  },
  close: async () => rmSync(conformed, { recursive: true }),
});

describe('the folder store', () => {
  let dir: string;
  let store: ContentStore;
  beforeEach(async () => {
    dir = folder();
    store = await openFolderStore(dir);
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('names every file by its hash, in two levels of folders, and leaves no draft', async () => {
    const { digest } = await store.put(Buffer.from('abc'));
    expect(readFileSync(pathOf(dir, digest), 'utf8')).toBe('abc');
    expect(filesIn(dir).map((it) => it.name)).toEqual([digest.slice(7)]);
  });

  it('leaves no draft of a stream that fails', async () => {
    async function* breaks() {
      yield Buffer.from('half');
      throw new Error('broke');
    }
    await expect(store.putStream(breaks())).rejects.toThrow('broke');
    expect(filesIn(dir)).toEqual([]);
  });

  it('heals a file of the right length and of another length when the bytes come again', async () => {
    const { digest } = await store.put(Buffer.from('precious'));
    const path = pathOf(dir, digest);
    for (const damaged of ['precioux', '', 'much longer than it was']) {
      rmSync(path);
      writeFileSync(path, damaged);
      await store.put(Buffer.from('precious'));
      expect(readFileSync(path, 'utf8')).toBe('precious');
    }
  });

  it('removes old drafts when it is opened, and no young ones', async () => {
    const [old, young] = [join(dir, 'tmp', 'old.tmp'), join(dir, 'tmp', 'young.tmp')];
    writeFileSync(old, 'x');
    writeFileSync(young, 'x');
    utimesSync(old, new Date(), new Date(Date.now() - 3_700_000));
    await openFolderStore(dir);
    expect(existsSync(old)).toBe(false);
    expect(existsSync(young)).toBe(true);
  });

  it('says where and what to do when a file stands in place of the folder', async () => {
    const file = join(dir, 'file');
    writeFileSync(file, '');
    const opened = openFolderStore(join(file, 'content'));
    await expect(opened).rejects.toMatchObject({ code: 'cannot_write' });
    await expect(opened).rejects.toThrow(/a file stands where the folder should be.*file/);
  });

  onLinux('leaves no file open of a stream that nobody wanted in the end', async () => {
    const { digest } = await store.put(Buffer.from('abc'));
    const path = pathOf(dir, digest);
    const openFiles = () =>
      readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`) === path;
        } catch {
          return false; // closed meanwhile
        }
      });
    const read = await store.openRead(digest);
    const part = await store.openRead(digest, { offset: 1 });
    expect(openFiles()).toHaveLength(2);
    for (const stream of [read, part]) {
      stream.destroy();
      await once(stream, 'close');
    }
    await eventually(() => openFiles().length === 0, { what: 'both files to be closed' });
  });

  it('says which content it cannot read, and from where', async () => {
    const { digest } = await store.put(Buffer.from('abc'));
    const path = pathOf(dir, digest);
    rmSync(path);
    mkdirSync(path); // a folder, where the file should be
    const whole = store.openRead(digest).then((stream) => stream.toArray());
    for (const read of [store.get(digest), whole]) {
      await expect(read).rejects.toMatchObject({ code: 'cannot_read' });
    }
    rmSync(join(dir, digest.slice(7, 9)), { recursive: true });
    writeFileSync(join(dir, digest.slice(7, 9)), 'a file, where the folder should be');
    for (const ask of ['get', 'size', 'has', 'openRead'] as const) {
      await expect(store[ask](digest)).rejects.toMatchObject({ code: 'cannot_read' });
    }
  });

  // Under a file size limit the write itself breaks off, as on a full disk.
  onLinux('leaves nothing behind when the file cannot be written whole', async () => {
    const script = `
      process.on('SIGXFSZ', () => undefined);
      const { openFolderStore } = require(process.argv[1]);
      openFolderStore(process.argv[2])
        .then((store) => store.put(Buffer.alloc(3_000_000)))
        .catch((error) => console.log(JSON.stringify([error.code, error.message])));
    `;
    const node = [process.execPath, '-e', script, compile(dir), join(dir, 'limited')];
    const output = execFileSync('prlimit', ['--fsize=1000000', ...node], {
      encoding: 'utf8',
    });
    const [code, message] = JSON.parse(output) as [string, string];
    expect(code).toBe('cannot_write');
    expect(message).toMatch(/larger than the process may write/);
    expect(filesIn(join(dir, 'limited'))).toEqual([]);
  });

  it('holds only whole files after its writer was killed in the middle', async () => {
    const script = `
      const { openFolderStore } = require(process.argv[1]);
      (async () => {
        const store = await openFolderStore(process.argv[2]);
        for (let n = 0; ; n += 1) {
          await store.put(Buffer.alloc(200_000, String(n)));
          if (n === 5) console.log('writing');
        }
      })();
    `;
    const target = join(dir, 'killed');
    const child = spawn(process.execPath, ['-e', script, compile(dir), target]);
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const survivor = await openFolderStore(target);
    const whole = filesIn(target).filter((it) => !it.name.endsWith('.tmp'));
    expect(whole.length).toBeGreaterThanOrEqual(6);
    for (const { name } of whole) await survivor.get(`sha256:${name}`);
  });
});

/** The store as plain JavaScript, for a process of its own. */
function compile(dir: string): string {
  const out = join(dir, 'compiled');
  mkdirSync(out);
  for (const name of ['content-store', 'folder-store', 'folder-drafts']) {
    const { code } = transformFileSync(join(__dirname, `${name}.ts`), {
      swcrc: false,
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'commonjs' },
    });
    writeFileSync(join(out, `${name}.js`), code);
  }
  return join(out, 'folder-store.js');
}
