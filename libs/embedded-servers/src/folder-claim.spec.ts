import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { claimFolder, isFolderInUse } from './folder-claim';
import { identityOf } from './process-identity';

describe('the claim on a folder', () => {
  let parent: string;
  let folder: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'writ-claim-'));
    folder = join(parent, 'data');
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  const note = (text: string): void => writeFileSync(`${folder}.owner.json`, text);
  const dead = { pid: process.pid, started: 'before the flood' };

  test('a folder is claimed once, and again after its release', () => {
    const claim = claimFolder(folder, 'Any');
    expect(isFolderInUse(folder)).toBe(true);
    expect(() => claimFolder(folder, 'Any')).toThrow(
      expect.objectContaining({
        code: 'FOLDER_IN_USE',
        message: expect.stringContaining(`process ${process.pid}`),
      }),
    );
    claim.release();
    expect(isFolderInUse(folder)).toBe(false);
    claimFolder(folder, 'Any').release();
    expect(readdirSync(parent)).toEqual([]);
  });

  test('a release that comes late leaves the next claim alone', () => {
    const first = claimFolder(folder, 'Any');
    first.release();
    claimFolder(folder, 'Any');
    first.release();
    expect(isFolderInUse(folder)).toBe(true);
  });

  test('the claim of a dead owner passes on, even when its id lives again', () => {
    note(JSON.stringify({ owner: dead }));
    expect(claimFolder(folder, 'Any').orphan).toBeUndefined();
  });

  test('a note that a power cut left empty is no claim', () => {
    note('');
    expect(claimFolder(folder, 'Any').orphan).toBeUndefined();
  });

  test('a living server of a dead owner is handed over as an orphan', async () => {
    const server = spawn('sleep', ['60']);
    await once(server, 'spawn');
    const identity = identityOf(server.pid!);
    note(JSON.stringify({ owner: dead, server: identity }));
    expect(claimFolder(folder, 'Any').orphan).toEqual(identity);
    server.kill('SIGKILL');
  });

  test('a folder whose server died is free although its owner lives', async () => {
    const server = spawn('sleep', ['60']);
    await once(server, 'spawn');
    claimFolder(folder, 'Any').runs(server.pid);
    expect(isFolderInUse(folder)).toBe(true);
    server.kill('SIGKILL');
    await once(server, 'exit');
    expect(isFolderInUse(folder)).toBe(false);
    expect(claimFolder(folder, 'Any').orphan).toBeUndefined();
  });

  test('a parent folder that cannot be made is an error that names it', () => {
    writeFileSync(join(parent, 'file'), '');
    expect(() => claimFolder(join(parent, 'file', 'data'), 'Any')).toThrow(
      expect.objectContaining({ code: 'START_FAILED', message: expect.stringContaining('/file') }),
    );
  });
});
