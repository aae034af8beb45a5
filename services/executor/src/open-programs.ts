/** Opens what running programs needs: the sandbox that works here, the warden, the pipes, the slots. */
import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@writ/observability';
import type { ExecutorConfig } from './config';
import { PipeMaker } from './process/open-pipe';
import { Warden } from './process/warden';
import type { ProgramHost } from './program-host';
import { knownSecrets, needlesOf } from './redaction/secrets';
import { chooseSandbox } from './sandbox/choose-sandbox';
import { placesOf } from './sandbox/find-program';
import type { Sandbox } from './sandbox/sandbox';
import { Slots } from './slots';

const STANDARD_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

type Config = Pick<
  ExecutorConfig,
  | 'WRIT_CONTENT_DIR'
  | 'WRIT_DATA_DIR'
  | 'WRIT_LEASE_MS'
  | 'WRIT_MAX_OUTPUT_BYTES'
  | 'WRIT_MAX_PROGRAMS'
  | 'WRIT_PASS_ENV'
  | 'WRIT_SANDBOX'
  | 'WRIT_SANDBOX_NETWORK'
  | 'WRIT_SANDBOX_PATHS'
  | 'WRIT_SECRET_ENV'
>;

/**
 * Throws when the sandbox that was asked for does not work here. `known` is one that was tried
 * before.
 */
export async function openPrograms(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  logger: Logger,
  known?: Sandbox,
): Promise<ProgramHost> {
  const path = env['PATH'] ?? STANDARD_PATH;
  const dataDir = await realFolder(config.WRIT_DATA_DIR);
  const pipes = new PipeMaker(join(dataDir, 'pipes'));
  const { WRIT_SANDBOX: choice, WRIT_SANDBOX_NETWORK: network } = config;
  const sandbox = known ?? (await chooseSandbox({ choice, network, path, pipes, logger }));
  const passed = config.WRIT_PASS_ENV.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const secrets = [...new Set([...config.WRIT_SECRET_ENV, 'NATS_TOKEN'])];
  return {
    ...{ sandbox, pipes, path, dataDir },
    // Less than what is left of any lease when the last heartbeat has just been missed.
    warden: new Warden({ limitMs: config.WRIT_LEASE_MS * 0.6, logger }),
    slots: new Slots(config.WRIT_MAX_PROGRAMS),
    hidden: await hiddenFolders(config, env),
    passed: Object.fromEntries(passed),
    secretNames: config.WRIT_SECRET_ENV,
    readable: [...(await placesOf(process.execPath)), ...config.WRIT_SANDBOX_PATHS],
    needles: needlesOf(knownSecrets(env, secrets, ['DATABASE_URL', 'NATS_URL'])),
    redacted: () => undefined,
    maxOutputBytes: config.WRIT_MAX_OUTPUT_BYTES,
  };
}

async function hiddenFolders(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const home = env['WRIT_HOME'];
  const folders = [config.WRIT_DATA_DIR, config.WRIT_CONTENT_DIR];
  if (home !== undefined && home !== '') folders.push(home);
  return Promise.all(folders.map(realFolder));
}

async function realFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  return realpath(path);
}
