/**
 * How a program is walled in. Levels, recorded with each run and each check:
 *
 * S2 bubblewrap: own process, mount, network, IPC and user namespaces. It sees the system's programs
 *    and libraries read-only, its workspace, its inputs, and nothing else.
 * S1 an own process namespace and limits: nothing it starts outlives it, but it sees the whole file
 *    system and the network with the rights of the service.
 * S0 nothing but a process group: what it starts may outlive it.
 */

export type SandboxLevel = 'S0' | 'S1' | 'S2';

export interface ProgramRun {
  /** The program by absolute path, then its arguments. */
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Folders and files it sees at their own paths, in the order in which they are laid. */
  readonly places: readonly Place[];
}

export type Place =
  | { readonly kind: 'writable' | 'readable'; readonly path: string }
  /** An empty folder in its place. */
  | { readonly kind: 'hidden'; readonly path: string };

/** What to spawn. Descriptors: 2 is for the wrapper's own errors, 3 for the program's stderr. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Written to descriptor 5, each ended by NUL. */
  readonly options?: readonly string[];
  /** The wrapper says on descriptor 6 that it came as far as the program. */
  readonly reportsSetup: boolean;
  /** How many processes of the wrapper stand above the program, the spawned one included. */
  readonly wrappers: number;
}

export interface Sandbox {
  readonly level: SandboxLevel;
  /** What a program may reach. */
  readonly network: 'on' | 'off';
  /** Folder of the program's own: `/tmp` where only it sees that. */
  readonly privateTmp: boolean;
  launch(run: ProgramRun): Launch;
}

/** Descriptor numbers of `Launch`. */
export const GATE_FD = 4;
export const OPTIONS_FD = 5;
export const REPORT_FD = 6;

/** Name under which the launcher complains. */
export const LAUNCHER = 'writ-launch';

/**
 * The launcher, a constant; the program and its arguments are its parameters. It waits for the start
 * gate (so nothing starts that the warden does not know), sets limits, and stays as the parent: its
 * own shell says on descriptor 2 when the program died by a signal, which an exit code cannot tell
 * apart from `exit 137`. TERM is for the program, which gets it with its default meaning.
 */
const SCRIPT = `read -r go <&${GATE_FD} || exit 1
exec ${GATE_FD}<&-
trap : TERM INT HUP
ulimit -c 0
ulimit -n 8192 2>/dev/null || :
(exec "$@" 2>&3 3>&-)
exit $?`;

export function launcherArgv(argv: readonly string[]): string[] {
  return ['/bin/sh', '-c', SCRIPT, LAUNCHER, ...argv];
}
