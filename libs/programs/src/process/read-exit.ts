/** What an exit says: which code, or which signal, or that the program never started. */
import { constants } from 'node:os';
import { LAUNCHER } from '../sandbox/sandbox';

export interface Exit {
  readonly exitCode: number | null;
  /** Its name, as `SIGKILL`. */
  readonly signal?: string;
  /** The program did not start; nothing of the step has happened. */
  readonly failure?: {
    readonly kind: 'spawn' | 'infrastructure';
    readonly code: string;
    message: string;
  };
}

export interface RawExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What the wrappers wrote on their own descriptor. */
  readonly complaints: string;
  /** The sandbox came as far as the program. */
  readonly setUp: boolean;
}

/** Shells say nothing about these two. */
const SILENT_SIGNALS: readonly number[] = [constants.signals.SIGINT, constants.signals.SIGPIPE];

export function readExit({ code, signal, complaints, setUp }: RawExit): Exit {
  if (signal !== null) return { exitCode: null, signal };
  const said = complaints.trim();
  if (!setUp || /^(bwrap|unshare): /m.test(said)) {
    const message = `the sandbox could not be set up: ${said || `it ended with ${code}`}`;
    return { exitCode: null, failure: { kind: 'infrastructure', code: 'sandbox_failed', message } };
  }
  // The launcher's shell reports a signal as 128 and its number, and says so in words; a program
  // that itself ended with such a code leaves no words.
  const number = (code ?? 0) - 128;
  if (number > 0 && (said !== '' || SILENT_SIGNALS.includes(number))) {
    return { exitCode: null, signal: signalName(number) };
  }
  return { exitCode: code };
}

/** 126 and 127 are the program's own unless the launcher's shell is the one that complained. */
export function launcherComplaint(exitCode: number | null, stderr: string): Exit | undefined {
  if (exitCode !== 126 && exitCode !== 127) return undefined;
  if (!stderr.startsWith(`${LAUNCHER}: `)) return undefined;
  const text = stderr.slice(LAUNCHER.length + 2).split('\n')[0] ?? '';
  const message = `the program cannot be started: ${text}`;
  return { exitCode: null, failure: { kind: 'spawn', code: 'not_executable', message } };
}

const spawnCodes: Readonly<Record<string, string>> = {
  E2BIG: 'arguments_too_long',
  EACCES: 'not_executable',
  ENOENT: 'program_not_found',
};

export function startFailure(error: unknown): Exit {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const known = spawnCodes[code];
  const kind = known === undefined ? 'infrastructure' : 'spawn';
  const about =
    code === 'E2BIG' ? 'its arguments and environment are longer than this system takes' : message;
  return {
    exitCode: null,
    failure: {
      kind,
      code: known ?? 'spawn_failed',
      message: `the program cannot be started: ${about}`,
    },
  };
}

function signalName(number: number): string {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] ?? `SIG${number}`;
}
