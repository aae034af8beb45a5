import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { PipeMaker } from '../process/open-pipe';
import { chooseSandbox, probe, type SandboxChoice } from './choose-sandbox';
import { findProgram, isInside, placesOf } from './find-program';
import { noSandbox } from './namespace';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'writ-sandbox-')));
const pipes = new PipeMaker(join(root, 'pipes'));
afterAll(() => {
  pipes.close();
  rmSync(root, { recursive: true, force: true });
});

let warnings: string[];
let notes: object[];
beforeEach(() => {
  warnings = [];
  notes = [];
});

const choose = (choice: SandboxChoice, path = process.env['PATH'] ?? '') =>
  chooseSandbox({
    ...{ choice, path, pipes, network: 'off' },
    logger: {
      info: (fields) => void notes.push(fields),
      warn: (fields, message) => {
        notes.push(fields);
        warnings.push(message);
      },
    },
  });

/** A folder on PATH with programs that do as the script says. */
function programs(scripts: Record<string, string>): string {
  const folder = mkdtempSync(join(root, 'bin-'));
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return folder;
}

describe('choosing a sandbox', () => {
  test('auto takes the strongest that works here, and says which', async () => {
    const sandbox = await choose('auto');
    expect(await probe(sandbox, pipes)).toBe(
      sandbox.level === 'S0' ? expect.stringContaining('probe said') : undefined,
    );
    expect(notes).toContainEqual(expect.objectContaining({ level: sandbox.level }));
  });

  test('one that fails is not taken: the next is, with the cure for the first', async () => {
    const broken = programs({
      bwrap: 'echo "bwrap: setting up uid map: Permission denied" >&2; exit 1',
    });
    const sandbox = await choose('auto', broken + delimiter + (process.env['PATH'] ?? ''));
    expect(sandbox.level).not.toBe('S2');
    expect(warnings.join()).toContain('setting up uid map: Permission denied');
    expect(JSON.stringify(notes)).toContain('bubblewrap');
  });

  test('one that only pretends is not taken', async () => {
    const pretending = programs({
      bwrap:
        'while [ "$1" != -- ]; do shift; done; shift; echo \'{"child-pid": 1}{"exit-code": 0}\' >&6; exec "$@"',
    });
    const sandbox = await choose('auto', pretending + delimiter + (process.env['PATH'] ?? ''));
    expect(sandbox.level).not.toBe('S2');
  });

  test('where nothing works programs run without one, loudly', async () => {
    expect((await choose('auto', root)).level).toBe('S0');
    expect(warnings.join()).toMatch(
      /^NO SANDBOX: bwrap does not work here.*namespace does not work here/,
    );
  });

  test('one that was asked for by name has to work', async () => {
    await expect(choose('bwrap', root)).rejects.toThrow(
      /WRIT_SANDBOX=bwrap does not work here.*apt-get install bubblewrap/,
    );
    await expect(choose('namespace', root)).rejects.toThrow(
      'WRIT_SANDBOX=namespace does not work here',
    );
  });

  test('none is none, loudly', async () => {
    expect((await choose('none')).level).toBe('S0');
    expect(warnings.join()).toContain('WITHOUT a sandbox');
    expect(await probe(noSandbox(), pipes)).toContain('the probe said');
  });
});

describe('finding a program', () => {
  const find = (name: string, path: string, cwd = '/') => findProgram(name, { cwd, path });

  test('by PATH, by a path, and from the working folder', async () => {
    const [first, second] = [programs({ tool: 'true' }), programs({ tool: 'true', other: 'true' })];
    const path = [first, second].join(delimiter);
    expect(await find('tool', path)).toBe(join(first, 'tool'));
    expect(await find('other', path)).toBe(join(second, 'other'));
    expect(await find('./other', '', second)).toBe(join(second, 'other'));
    expect(await find(join(second, 'other'), '')).toBe(join(second, 'other'));
  });

  test('says what is wrong with what it finds', async () => {
    const folder = programs({ tool: 'true' });
    writeFileSync(join(folder, 'plain'), 'text');
    mkdirSync(join(folder, 'folder'));
    expect(await find('missing', folder)).toMatchObject({ code: 'program_not_found' });
    expect(await find('plain', folder)).toMatchObject({ code: 'not_executable' });
    expect(await find('folder', folder)).toMatchObject({ code: 'not_a_file' });
    expect(await find('', folder)).toMatchObject({ code: 'bad_name' });
    expect(await find('a\0b', folder)).toMatchObject({ code: 'bad_name' });
    expect(await find('tool', 'relative::.')).toMatchObject({ code: 'program_not_found' });
  });
});

describe('what a program brings along', () => {
  function installed(...parts: string[]): string {
    const path = join(root, ...parts);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, '');
    chmodSync(path, 0o755);
    return path;
  }

  test('is nothing for a program of the system', async () => {
    expect(await placesOf('/usr/bin/env')).toEqual([]);
  });

  test('is the prefix it is installed in, and that of what it links to', async () => {
    const real = installed('opt', 'tool-2', 'bin', 'tool');
    expect(await placesOf(real)).toEqual([join(root, 'opt', 'tool-2')]);
    const link = join(root, 'links', 'bin', 'tool');
    mkdirSync(join(link, '..'), { recursive: true });
    symlinkSync(real, link);
    expect((await placesOf(link)).sort()).toEqual([
      join(root, 'links'),
      join(root, 'opt', 'tool-2'),
    ]);
  });

  test('is only its folder when it is in none for programs, and only itself in a wide place', async () => {
    expect(await placesOf(installed('project', 'run.sh'))).toEqual([join(root, 'project')]);
    expect(await placesOf(installed('home', '.local', 'bin', 'tool'))).toEqual([
      join(root, 'home', '.local', 'bin', 'tool'),
    ]);
  });
});

test('a sibling with the same beginning is not inside', () => {
  expect(isInside('/a/b', '/a/b')).toBe(true);
  expect(isInside('/a/b', '/a/b/c')).toBe(true);
  expect(isInside('/a/b', '/a/b-evil')).toBe(false);
  expect(isInside('/', '/a')).toBe(true);
});
