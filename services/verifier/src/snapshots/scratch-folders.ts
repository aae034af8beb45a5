/**
 * Folders for snapshots and for the homes of programs. Owns that none outlives its process for long:
 * each carries the process id of its owner, and what belongs to nobody is swept at the start.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export class ScratchFolders {
  constructor(private readonly root: string) {}

  /** A new empty folder that only this user can enter. */
  async make(): Promise<string> {
    const path = join(this.root, `${process.pid}-${randomBytes(8).toString('hex')}`);
    await mkdir(path, { recursive: true, mode: 0o700 });
    return path;
  }

  /** A new folder with these files in it. */
  async makeWith(files: Readonly<Record<string, string>>): Promise<string> {
    const path = await this.make();
    for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
    return path;
  }

  /** Also removes what a program has made unwritable on the way. */
  async remove(path: string): Promise<void> {
    const gone = () => rm(path, { recursive: true, force: true, maxRetries: 3 });
    try {
      await gone();
    } catch (error) {
      if (!/^(EACCES|EPERM)$/.test(String((error as NodeJS.ErrnoException).code))) throw error;
      await makeWritable(path);
      await gone();
    }
  }

  /**
   * Hands over each folder whose owner is gone, to be removed. To be called once, before the first
   * `make`: a folder with our own process id is one of a predecessor.
   */
  async sweep(removeFolder: (path: string) => Promise<void>): Promise<number> {
    await mkdir(this.root, { recursive: true });
    const left = (await readdir(this.root)).filter((name) => {
      const owner = Number(/^(\d+)-[0-9a-f]+$/.exec(name)?.[1]);
      return owner > 0 && (owner === process.pid || !isAlive(owner));
    });
    for (const name of left) await removeFolder(join(this.root, name));
    return left.length;
  }
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // it lives, and is somebody else's
  }
}
