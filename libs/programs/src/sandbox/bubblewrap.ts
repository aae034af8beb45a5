/**
 * S2. Owns what a program in bubblewrap sees. Its options go through a descriptor, so that the
 * environment of a step shows in no process list and is not bubblewrap's own.
 */
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { launcherArgv, OPTIONS_FD, REPORT_FD, type ProgramRun, type Sandbox } from './sandbox';

/** The system's programs and libraries: links where the system has links, else bound. */
const SYSTEM = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** Of /etc only what programs need to start, to resolve names of users and to trust certificates. */
const SETTINGS = [
  '/etc/alternatives',
  '/etc/ca-certificates',
  '/etc/group',
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/localtime',
  '/etc/nsswitch.conf',
  '/etc/passwd',
  '/etc/pki',
  '/etc/ssl',
];
const NETWORK_SETTINGS = ['/etc/hosts', '/etc/resolv.conf', '/etc/services'];

/**
 * When everything is in its place the rest is read-only. `/proc` too: its `sys` lets root's user id
 * write the kernel's settings, capabilities or not, and with them leave the sandbox.
 */
const SEALS = ['--remount-ro', '/proc', '--remount-ro', '/'];

const TMP_BYTES = 1024 * 1024 * 1024;

export interface BubblewrapOptions {
  /** Absolute path of `bwrap`. */
  readonly program: string;
  readonly network: 'on' | 'off';
  /** Whether this bwrap can bound a tmpfs (0.7 and newer). */
  readonly boundsTmp: boolean;
}

export function bubblewrap(options: BubblewrapOptions): Sandbox {
  const system = [...walls(options), ...systemPlaces(options.network)];
  return {
    level: 'S2',
    network: options.network,
    privateTmp: true,
    launch: (run) => ({
      command: options.program,
      args: [
        ...['--args', String(OPTIONS_FD), '--json-status-fd', String(REPORT_FD), '--'],
        ...launcherArgv(run.argv),
      ],
      env: {},
      cwd: '/',
      options: [...system, ...ownPlaces(run), ...SEALS, ...settings(run)],
      reportsSetup: true,
      wrappers: 3, // bwrap outside, bwrap as the namespace's first process, the launcher
    }),
  };
}

function walls({ network, boundsTmp }: BubblewrapOptions): string[] {
  return [
    '--unshare-all',
    ...(network === 'on' ? ['--share-net'] : []),
    '--die-with-parent',
    '--new-session',
    ...['--cap-drop', 'ALL'],
    '--clearenv',
    ...['--proc', '/proc', '--dev', '/dev'],
    ...(boundsTmp ? ['--size', String(TMP_BYTES)] : []),
    ...['--tmpfs', '/tmp'],
  ];
}

function systemPlaces(network: 'on' | 'off'): string[] {
  const options = ['--ro-bind', '/usr', '/usr'];
  for (const path of SYSTEM) {
    const link = linkTarget(path);
    if (link !== undefined) options.push('--symlink', link, path);
    else if (existsSync(path)) options.push('--ro-bind', path, path);
  }
  const settings = network === 'on' ? [...SETTINGS, ...NETWORK_SETTINGS] : SETTINGS;
  for (const path of settings) options.push('--ro-bind-try', path, path);
  return options;
}

function ownPlaces({ places }: ProgramRun): string[] {
  return places.flatMap(({ kind, path }) => {
    if (kind === 'hidden') return ['--tmpfs', path];
    return [kind === 'writable' ? '--bind' : '--ro-bind', path, path];
  });
}

function settings({ cwd, env }: ProgramRun): string[] {
  const variables = Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]);
  return ['--chdir', cwd, ...variables];
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}
