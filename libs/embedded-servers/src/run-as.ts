// As which user PostgreSQL runs. It refuses to run as root, so root starts it in a user namespace
// where root's own id reads as 65534: no account is made, and it works below a private home.
// Where user namespaces are closed it runs as the real id 65534 and its files must belong to that.
import { spawnSync } from 'node:child_process';
import { lchownSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { PROBE_LIMIT_MS } from './find-executable';

const NOBODY = 65534;

export interface RunAs {
  /** Goes before the program in argv. */
  prefix: string[];
  /** For spawn; absent means the user of this process. */
  uid?: number;
  gid?: number;
}

let known: RunAs | undefined;

export function runAs(): RunAs {
  known ??= decide();
  return known;
}

function decide(): RunAs {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const prefix = ['unshare', '--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`, '--'];
  const options = { stdio: 'ignore', timeout: PROBE_LIMIT_MS } as const;
  const probe = spawnSync(prefix[0]!, [...prefix.slice(1), 'true'], options);
  if (probe.status === 0) return { prefix };
  return { prefix: [], uid: NOBODY, gid: NOBODY };
}

/** Hands a file or a whole folder to the user the server runs as, when it is another's. */
export function giveTo(user: RunAs, path: string): void {
  if (process.getuid?.() !== 0) return;
  const uid = user.uid ?? 0;
  const gid = user.gid ?? 0;
  const stat = lstatSync(path);
  if (stat.uid === uid) return;
  lchownSync(path, uid, gid);
  if (!stat.isDirectory()) return;
  for (const name of readdirSync(path)) giveTo(user, join(path, name));
}
