/**
 * Finds the strongest sandbox that works on this machine, by trying: a program is really run inside
 * and must see what it should see and no more. Owns the rule that a run without any wall happens
 * only where it was asked for, or where there is nothing else, and then loudly.
 */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PipeMaker } from '../process/open-pipe';
import { runProcess } from '../process/run-process';
import { bubblewrap } from './bubblewrap';
import { findProgram } from './find-program';
import { noSandbox, processNamespace } from './namespace';
import type { Place, Sandbox } from './sandbox';

export type SandboxChoice = 'auto' | 'bwrap' | 'namespace' | 'none';

export interface ChooseOptions {
  readonly choice: SandboxChoice;
  readonly network: 'on' | 'off';
  readonly path: string;
  readonly pipes: PipeMaker;
  readonly logger: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

const CURE = {
  bwrap:
    'install bubblewrap (apt-get install bubblewrap), and where the system closes user namespaces ' +
    'to it, allow them (sysctl kernel.apparmor_restrict_unprivileged_userns=0, or its profile)',
  namespace: 'allow user namespaces (sysctl kernel.unprivileged_userns_clone=1), or run as root',
};

/** Throws when the one that was asked for by name does not work here. */
export async function chooseSandbox(options: ChooseOptions): Promise<Sandbox> {
  const { choice, logger } = options;
  if (choice === 'none') {
    logger.warn({ level: 'S0' }, 'programs run WITHOUT a sandbox: WRIT_SANDBOX=none was set');
    return noSandbox();
  }
  const failures: string[] = [];
  for (const name of ['bwrap', 'namespace'] as const) {
    if (choice !== 'auto' && choice !== name) continue;
    const found = name === 'bwrap' ? await tryBubblewrap(options) : await tryNamespace(options);
    if (typeof found !== 'string') {
      logger.info({ level: found.level, network: found.network }, 'programs run in a sandbox');
      if (failures.length > 0) logger.warn({ cure: CURE.bwrap }, failures.join('; '));
      return found;
    }
    if (choice === name) {
      throw new Error(`WRIT_SANDBOX=${name} does not work here: ${found}; ${CURE[name]}`);
    }
    failures.push(`${name} does not work here: ${found}`);
  }
  logger.warn({ level: 'S0', cure: CURE.bwrap }, `NO SANDBOX: ${failures.join('; ')}`);
  return noSandbox();
}

async function tryBubblewrap(options: ChooseOptions): Promise<Sandbox | string> {
  const program = await findProgram('bwrap', { cwd: '/', path: options.path });
  if (typeof program !== 'string') return program.message;
  let reason = '';
  for (const boundsTmp of [true, false]) {
    const sandbox = bubblewrap({ program, network: options.network, boundsTmp });
    const trouble = await probe(sandbox, options.pipes);
    if (trouble === undefined) return sandbox;
    reason = trouble;
  }
  return reason;
}

async function tryNamespace(options: ChooseOptions): Promise<Sandbox | string> {
  const program = await findProgram('unshare', { cwd: '/', path: options.path });
  if (typeof program !== 'string') return program.message;
  const sandbox = processNamespace({ program, asRoot: process.getuid?.() === 0 });
  return (await probe(sandbox, options.pipes)) ?? sandbox;
}

/**
 * The first process of its namespace is not ours, the workspace is there and can be written, and in
 * S2 a file beside it cannot be seen.
 */
const PROBE = 'cd "$1" && echo ok > made && test "$$" -lt 16 && echo probed && cat ../beside';

/** Why it does not work; undefined when it does. */
export async function probe(sandbox: Sandbox, pipes: PipeMaker): Promise<string | undefined> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'writ-probe-')));
  try {
    const inside = await mkdtemp(join(folder, 'inside-'));
    await writeFile(join(folder, 'beside'), 'seen');
    const places: Place[] = [{ kind: 'writable', path: inside }];
    const argv: [string, ...string[]] = ['/bin/sh', '-c', PROBE, 'probe', inside];
    let said = '';
    const end = await runProcess({
      launch: sandbox.launch({ argv, cwd: inside, env: { PATH: '/usr/bin:/bin' }, places }),
      pipes,
      take: (_, piece) => void (said += piece.toString()),
      timeoutMs: 10_000,
      stop: new AbortController().signal,
    });
    if (end.failure !== undefined) return end.failure.message;
    if (!said.startsWith('probed')) return `the probe said ${JSON.stringify(said.slice(0, 500))}`;
    const seen = said.includes('seen');
    if (sandbox.level === 'S2' && seen) return 'a program inside sees files outside';
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
