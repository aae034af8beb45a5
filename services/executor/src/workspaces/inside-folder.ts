/**
 * Reads and writes files inside one folder and never outside of it, whatever links lie in it or are
 * put there meanwhile. Owns the path rules:
 *
 * F1 A path is relative, has no `..` and no control character.
 * F2 No part of it is followed through a symbolic link: each folder is opened from the one before it,
 *    so nothing can be swapped between looking and using.
 * F3 Only regular files with one name are read: no devices, no pipes, no hard links, which may be
 *    other names of files outside.
 * F4 A file is written beside its place and then renamed into it.
 *
 * Node has no `openat`; on Linux `/proc/self/fd/<n>/<name>` is the same. Elsewhere the parts are
 * looked at one by one, which is as good as it gets.
 */
import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { lstat, mkdir, open, rename, rm, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

export type PathRefusal =
  | 'absolute'
  | 'outside'
  | 'bad_name'
  | 'symbolic_link'
  | 'hard_link'
  | 'not_a_file'
  | 'not_a_folder'
  | 'not_found';

/** The path cannot be used; the message names it. */
export class PathRefused extends Error {
  constructor(
    readonly code: PathRefusal,
    readonly path: string,
    message: string,
  ) {
    super(message);
    this.name = 'PathRefused';
  }
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const onLinux = process.platform === 'linux';

/** The parts of a path that may be used. Throws PathRefused (F1). */
export function partsOf(path: string): string[] {
  if (/[\0-\x1f\x7f\ufffd]/.test(path)) {
    throw new PathRefused(
      'bad_name',
      path,
      `${show(path)} holds a character that no name may hold`,
    );
  }
  if (path.startsWith('/')) throw new PathRefused('absolute', path, `${show(path)} is absolute`);
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) {
    throw new PathRefused('outside', path, `${show(path)} leads out of the workspace`);
  }
  if (parts.length === 0) throw new PathRefused('bad_name', path, `${show(path)} names no file`);
  return parts;
}

const show = (path: string) => JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);

/** A folder that is held open: `in(name)` names what is in that very folder. */
interface HeldFolder {
  in(name: string): string;
  close(): Promise<void>;
}

export class InsideFolder {
  /** `root` is a real path: no part of it is a link that others can change. */
  constructor(readonly root: string) {}

  /** Opens a file to read. Throws PathRefused. Close the handle. */
  async openRead(path: string): Promise<{ file: FileHandle; stats: Stats }> {
    const folder = await this.hold(path, false);
    try {
      const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK; // a pipe without a writer does not block
      const name = partsOf(path).at(-1) ?? '';
      const file = await open(folder.in(name), flags).catch((error: unknown) => {
        throw this.refusal(error, path);
      });
      try {
        const stats = await file.stat();
        if (!stats.isFile()) {
          throw new PathRefused('not_a_file', path, `${show(path)} is not a regular file`);
        }
        if (stats.nlink > 1) {
          const message = `${show(path)} is a hard link: it may be a file from outside`;
          throw new PathRefused('hard_link', path, message);
        }
        return { file, stats };
      } catch (error) {
        await file.close();
        throw error;
      }
    } finally {
      await folder.close();
    }
  }

  /** Writes a file, making its folders; what is there under that name is replaced. */
  async write(
    path: string,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    { executable = false } = {},
  ): Promise<void> {
    const folder = await this.hold(path, true);
    const name = partsOf(path).at(-1) ?? '';
    const draft = folder.in(`.writ-${randomBytes(8).toString('hex')}`);
    try {
      await this.refuseFolder(folder.in(name), path);
      const mode = executable ? 0o755 : 0o644;
      const file = await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
      try {
        for await (const piece of pieces) await file.writeFile(piece);
        await file.chmod(mode); // the umask may have taken bits away
      } finally {
        await file.close();
      }
      await rename(draft, folder.in(name)); // F4
    } catch (error) {
      await rm(draft, { force: true });
      throw error instanceof PathRefused ? error : this.refusal(error, path);
    } finally {
      await folder.close();
    }
  }

  /** Removes a file if it is there. */
  async remove(path: string): Promise<void> {
    let folder: HeldFolder;
    try {
      folder = await this.hold(path, false);
    } catch (error) {
      if (error instanceof PathRefused && error.code === 'not_found') return;
      throw error;
    }
    try {
      await unlink(folder.in(partsOf(path).at(-1) ?? '')).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw this.refusal(error, path);
      });
    } finally {
      await folder.close();
    }
  }

  /** What is there under this name, links not followed; undefined when nothing is. */
  async look(path: string): Promise<Stats | undefined> {
    try {
      const folder = await this.hold(path, false);
      try {
        return await lstat(folder.in(partsOf(path).at(-1) ?? ''));
      } finally {
        await folder.close();
      }
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'not_found' || code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Opens the folder that holds the path's last part (F2). */
  private async hold(path: string, create: boolean): Promise<HeldFolder> {
    const folders = partsOf(path).slice(0, -1);
    let held = await holdFolder(this.root);
    for (const part of folders) {
      const next = held.in(part);
      try {
        if (create) {
          await mkdir(next).catch((error: unknown) => {
            if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
          });
        }
        const inner = await holdFolder(next);
        await held.close();
        held = inner;
      } catch (error) {
        await held.close();
        throw this.refusal(error, path);
      }
    }
    return held;
  }

  private async refuseFolder(place: string, path: string): Promise<void> {
    const there = await lstat(place).catch(() => undefined);
    if (there?.isDirectory() !== true) return;
    throw new PathRefused('not_a_file', path, `${show(path)} is a folder`);
  }

  /** Errors that speak about the path, as refusals; others (a full disk) as they are. */
  private refusal(error: unknown, path: string): unknown {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'ENOENT':
        return new PathRefused('not_found', path, `${show(path)} is not there`);
      case 'ELOOP':
        return new PathRefused('symbolic_link', path, `${show(path)} goes through a symbolic link`);
      case 'ENOTDIR':
        return new PathRefused(
          'not_a_folder',
          path,
          `${show(path)} goes through something that is no folder, or through a symbolic link`,
        );
      case 'ENXIO':
      case 'ENODEV':
        return new PathRefused('not_a_file', path, `${show(path)} is not a regular file`);
      case 'ENAMETOOLONG':
        return new PathRefused('bad_name', path, `${show(path)} is too long a name`);
      default:
        return error;
    }
  }
}

async function holdFolder(path: string): Promise<HeldFolder> {
  if (!onLinux) {
    const there = await lstat(path);
    if (!there.isDirectory()) throw Object.assign(new Error(path), { code: 'ENOTDIR' });
    return { in: (name) => join(path, name), close: async () => undefined };
  }
  const handle = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  return { in: (name) => `/proc/self/fd/${handle.fd}/${name}`, close: () => handle.close() };
}
