/**
 * What running programs needs of this machine and this process; opened once, at the start. Whoever
 * runs programs has one: the sandbox that works here, the warden, the pipes, what may be passed on
 * and what has to be taken out.
 */
import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { PipeMaker } from './process/open-pipe';
import type { OutputStream } from './process/transcript';
import { Warden } from './process/warden';
import { knownSecrets, needlesOf, type Needle } from './redaction/secrets';
import { chooseSandbox, type ChooseOptions, type SandboxChoice } from './sandbox/choose-sandbox';
import { placesOf } from './sandbox/find-program';
import type { Sandbox, SandboxLevel } from './sandbox/sandbox';

/** What is counted of programs. */
export interface ProgramCounters {
  /** Behind its sandbox the program could start after so long. */
  started(level: SandboxLevel, seconds: number): void;
  /** Bytes that a program wrote, kept or not. */
  wrote(stream: OutputStream, bytes: number): void;
  /** Secrets that were taken out. */
  redacted(count: number): void;
}

export interface ProgramHost {
  readonly sandbox: Sandbox;
  readonly pipes: PipeMaker;
  readonly warden: Warden;
  readonly counters: ProgramCounters;
  /** Where the service keeps what is its own; a real path. */
  readonly dataDir: string;
  /** Folders that no workspace shows: the service's own. Real paths. */
  readonly hidden: readonly string[];
  /** PATH of programs. */
  readonly path: string;
  /** Variables of the service that programs get, by configuration. */
  readonly passed: Readonly<Record<string, string>>;
  /** Names of those whose values are secret. */
  readonly secretNames: readonly string[];
  /** Places that every program may read, besides the system's. */
  readonly readable: readonly string[];
  readonly needles: readonly Needle[];
  /** Between TERM and KILL, if less than usual. */
  readonly graceMs?: number;
}

/** As every service that runs programs reads it from its environment. */
export interface ProgramSettings {
  readonly WRIT_CONTENT_DIR: string;
  readonly WRIT_DATA_DIR: string;
  readonly WRIT_SANDBOX: SandboxChoice;
  readonly WRIT_SANDBOX_NETWORK: 'on' | 'off';
  readonly WRIT_SANDBOX_PATHS: readonly string[];
  readonly WRIT_PASS_ENV: readonly string[];
  readonly WRIT_SECRET_ENV: readonly string[];
}

export interface ProgramHostOptions {
  readonly settings: ProgramSettings;
  /** The environment of this process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Without a sign of life for so long the warden ends all programs. */
  readonly wardenLimitMs: number;
  readonly counters: ProgramCounters;
  readonly logger: ChooseOptions['logger'];
  /** One that was tried before. */
  readonly sandbox?: Sandbox;
}

const STANDARD_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Throws when the sandbox that was asked for does not work here. */
export async function openProgramHost(options: ProgramHostOptions): Promise<ProgramHost> {
  const { settings, env, counters, logger, wardenLimitMs: limitMs } = options;
  const { WRIT_SANDBOX: choice, WRIT_SANDBOX_NETWORK: network } = settings;
  const path = env['PATH'] ?? STANDARD_PATH;
  const dataDir = await realFolder(settings.WRIT_DATA_DIR);
  const pipes = new PipeMaker(join(dataDir, 'pipes'));
  const passed = settings.WRIT_PASS_ENV.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const others = [settings.WRIT_CONTENT_DIR, env['WRIT_HOME'] ?? ''].filter((it) => it !== '');
  const secrets = [...new Set([...settings.WRIT_SECRET_ENV, 'NATS_TOKEN'])];
  return {
    ...{ pipes, path, dataDir, counters },
    sandbox: options.sandbox ?? (await chooseSandbox({ choice, network, path, pipes, logger })),
    warden: new Warden({ limitMs, logger }),
    hidden: [dataDir, ...(await Promise.all(others.map(realFolder)))],
    passed: Object.fromEntries(passed),
    secretNames: settings.WRIT_SECRET_ENV,
    readable: [...(await placesOf(process.execPath)), ...settings.WRIT_SANDBOX_PATHS],
    needles: needlesOf(knownSecrets(env, secrets, ['DATABASE_URL', 'NATS_URL'])),
  };
}

async function realFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  return realpath(path);
}
