/** S1 and S0: an own process namespace by `unshare`, and nothing at all. */
import { launcherArgv, type Sandbox } from './sandbox';

export interface NamespaceOptions {
  /** Absolute path of `unshare`. */
  readonly program: string;
  /** As root no user namespace is needed for a process namespace. */
  readonly asRoot: boolean;
}

/** S1. `unshare` dies, the launcher dies with it as the first process of its namespace, and all. */
export function processNamespace({ program, asRoot }: NamespaceOptions): Sandbox {
  const walls = [
    ...(asRoot ? [] : ['--user', '--map-root-user']),
    ...['--pid', '--fork', '--kill-child', '--mount-proc', '--'],
  ];
  return {
    level: 'S1',
    network: 'on',
    privateTmp: false,
    launch: ({ argv, env, cwd }) => ({
      command: program,
      args: [...walls, ...launcherArgv(argv)],
      env,
      cwd,
      reportsSetup: false,
      wrappers: 2,
    }),
  };
}

/** S0. */
export function noSandbox(): Sandbox {
  return {
    level: 'S0',
    network: 'on',
    privateTmp: false,
    launch: ({ argv, env, cwd }) => {
      const [command = '', ...args] = launcherArgv(argv);
      return { command, args, env, cwd, reportsSetup: false, wrappers: 1 };
    },
  };
}
