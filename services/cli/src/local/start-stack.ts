/**
 * The whole stack under one supervisor: servers, migrations, services, each kept alive; and back.
 * Owns the order. Up: PostgreSQL and NATS, the migrator, the services all at once, which have loaded
 * their code meanwhile, the stack file when all are ready. Down: services, NATS, PostgreSQL, the files.
 */
import { CliError } from '../cli-error';
import type { StackFile } from '../find-stack';
import { claimHome, type Claim } from './claim-home';
import { writeJson } from './keep-json';
import { LogFile } from './log-file';
import { ownNats, ownPostgres, type Server } from './own-servers';
import { Ports } from './choose-port';
import { loadSecrets, passwordVariable, type Secrets } from './secrets';
import {
  runToEnd,
  serviceEnvironment,
  type ServiceProcess,
  serviceMain,
  standBy,
  type StandingBy,
  untilReady,
} from './service-process';
import { databaseUrlOf, type NamedServers, namedServers, withToken } from './stack-addresses';
import { makeFolders, type ServiceName, services, stackHome, type StackHome } from './stack-home';
import { Supervised } from './supervised';

export interface StackOptions {
  readonly home: string;
  readonly only?: readonly ServiceName[] | undefined;
  readonly gatewayPort?: number | undefined;
  readonly readyWithinMs?: number | undefined;
  /** What happens, in words. */
  readonly tell: (text: string) => void;
  /** Aborted to give up while it starts. */
  readonly signal?: AbortSignal;
}

export interface Stack {
  readonly file: StackFile;
  stop(): Promise<void>;
}

const READY_LIMIT_MS = 60_000;
const SERVICE_STOP_MS = 30_000;

/** Throws CliError or ServerError; when it throws, nothing is left running. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const home = stackHome(options.home);
  const servers = namedServers();
  for (const name of [...services, 'migrator']) serviceMain(name);
  makeFolders(home);
  const claim = await claimHome(home, options.tell);
  let stack: LocalStack | undefined;
  try {
    stack = new LocalStack(home, claim, options, servers);
    await stack.start();
    return stack;
  } catch (error) {
    if (stack === undefined) claim.release();
    else await stack.stop();
    throw error;
  }
}

class LocalStack implements Stack {
  private readonly secrets: Secrets;
  private readonly ports: Ports;
  private postgres: Supervised<Server> | undefined;
  private nats: Supervised<Server> | undefined;
  private readonly running: Supervised<ServiceProcess>[] = [];
  /** Not begun yet. */
  private readonly ahead = new Map<ServiceName, Promise<StandingBy>>();
  private readonly logs = new Map<string, LogFile>();
  private databaseUrl: string;
  private natsUrl: string;
  private natsToken: string | undefined;
  private isReady = false;
  private stopped: Promise<void> | undefined;

  constructor(
    private readonly home: StackHome,
    private readonly claim: Claim,
    private readonly options: StackOptions,
    servers: NamedServers,
  ) {
    ({ databaseUrl: this.databaseUrl, natsUrl: this.natsUrl, natsToken: this.natsToken } = servers);
    this.secrets = loadSecrets(home);
    this.ports = new Ports(home);
    process.on('exit', this.cutOff);
  }

  async start(): Promise<void> {
    const { gatewayPort, tell } = this.options;
    if (gatewayPort !== undefined) await this.ports.of('gateway', gatewayPort); // told before the rest
    const own = [...(this.databaseUrl ? [] : ['PostgreSQL']), ...(this.natsUrl ? [] : ['NATS'])];
    if (own.length > 0) tell(`starting ${own.join(' and ')}`);
    for (const name of this.wanted) {
      const starting = standBy(name, this.logOf(name));
      starting.catch(() => undefined); // told where it is awaited
      this.ahead.set(name, starting);
    }
    await all([this.startPostgres(), this.startNats()]);
    this.goOn();
    tell('bringing the database up to date');
    await this.migrate();
    this.goOn();
    tell('starting the services');
    await this.startServices();
    this.goOn();
    this.isReady = true;
    writeJson(this.home.stackFile, this.file);
  }

  get file(): StackFile {
    const processes: Record<string, { pid: number; httpUrl?: string }> = {};
    for (const server of [this.postgres, this.nats]) {
      if (server?.current) processes[server.name] = { pid: server.current.pid };
    }
    for (const { name, current } of this.running) {
      if (current) processes[name] = { pid: current.pid, httpUrl: current.httpUrl };
    }
    const gatewayUrl = processes['gateway']?.httpUrl;
    const { databaseUrl } = this;
    const natsUrl = withToken(this.natsUrl, this.natsToken);
    return { databaseUrl, natsUrl, ...(gatewayUrl === undefined ? {} : { gatewayUrl }), processes };
  }

  stop(): Promise<void> {
    this.stopped ??= this.stopInOrder();
    return this.stopped;
  }

  private async stopInOrder(): Promise<void> {
    for (const starting of this.ahead.values()) {
      await starting.then((service) => service.kill('SIGKILL')).catch(() => undefined);
    }
    await Promise.all(this.running.map((service) => service.stop(endService)));
    await this.nats?.stop((server) => server.stop());
    await this.postgres?.stop((server) => server.stop());
    this.claim.release();
    process.off('exit', this.cutOff);
  }

  /** This process ends before the stack was stopped: everything is tethered to it, and ends too. */
  private readonly cutOff = () => {
    for (const { current } of this.running) current?.kill('SIGKILL');
    this.claim.release();
  };

  private async startPostgres(): Promise<void> {
    if (this.databaseUrl !== '') return;
    const port = await this.ports.of('postgres');
    this.postgres = this.server('postgres', (log) => ownPostgres(this.home, port, log));
    this.databaseUrl = (await this.postgres.start()).url;
  }

  private async startNats(): Promise<void> {
    if (this.natsUrl !== '') return;
    const port = await this.ports.of('nats');
    const token = this.secrets.natsToken;
    this.natsToken = token;
    this.nats = this.server('nats', (log) => ownNats(this.home, port, token, log));
    this.natsUrl = (await this.nats.start()).url;
  }

  private server(
    name: 'postgres' | 'nats',
    start: (log: (line: string) => void) => Promise<Server>,
  ) {
    const log = this.logOf(name);
    return new Supervised<Server>({
      ...{ name, log, tell: this.options.tell },
      start: () => start((line) => log.line(line)),
      started: ({ pid }) => this.noted(name, pid),
    });
  }

  private async migrate(): Promise<void> {
    const passwords = Object.entries(this.secrets.passwords).map(([name, password]) => [
      passwordVariable(name),
      password,
    ]);
    const administrator = process.env['PGPASSWORD'];
    const environment = serviceEnvironment({
      ...Object.fromEntries(passwords),
      ...(administrator === undefined ? {} : { PGPASSWORD: administrator }),
      DATABASE_URL: this.databaseUrl,
    });
    await runToEnd('migrator', environment, this.logOf('migrator'));
  }

  private async startServices(): Promise<void> {
    const deadline = performance.now() + (this.options.readyWithinMs ?? READY_LIMIT_MS);
    const starting = this.wanted.map(async (name) => {
      const log = this.logOf(name);
      const environment = await this.environmentOf(name);
      const service = new Supervised<ServiceProcess>({
        ...{ name, log, tell: this.options.tell },
        start: async () => {
          const starting = this.ahead.get(name) ?? standBy(name, log);
          this.ahead.delete(name);
          return (await starting).begin(environment);
        },
        started: ({ pid }) => this.noted(name, pid),
      });
      this.running.push(service);
      await untilReady(name, await service.start(), log, deadline, this.options.signal);
    });
    await all(starting);
  }

  private logOf(name: ServiceName | 'postgres' | 'nats' | 'migrator'): LogFile {
    const log = this.logs.get(name) ?? new LogFile(this.home.logOf(name));
    this.logs.set(name, log);
    return log;
  }

  private get wanted(): readonly ServiceName[] {
    return this.options.only ?? services;
  }

  private async environmentOf(name: ServiceName): Promise<Record<string, string>> {
    const isGateway = name === 'gateway';
    const port = await this.ports.of(name, isGateway ? this.options.gatewayPort : undefined);
    const token = process.env['WRIT_TOKEN'];
    const password = this.secrets.passwords[name] ?? '';
    const databaseUrl = databaseUrlOf(name, this.databaseUrl, password);
    return {
      NATS_URL: this.natsUrl,
      ...(this.natsToken === undefined ? {} : { NATS_TOKEN: this.natsToken }),
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: String(port),
      // No program that a service runs may look into it.
      WRIT_HOME: this.home.path,
      WRIT_CONTENT_DIR: this.home.content,
      WRIT_DATA_DIR: this.home.dataOf(name),
      ...(isGateway ? (token ? { WRIT_TOKEN: token } : {}) : { DATABASE_URL: databaseUrl }),
    };
  }

  /** Another process stands behind the name now. */
  private noted(name: string, pid: number): void {
    this.claim.note(name, pid);
    if (this.isReady && this.stopped === undefined) writeJson(this.home.stackFile, this.file);
  }

  private goOn(): void {
    if (this.options.signal?.aborted)
      throw new CliError('interrupted', 'interrupted while starting');
  }
}

/** Waits for all, so that nothing is still starting when the first failure is thrown. */
async function all(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((it) => it.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function endService(service: ServiceProcess): Promise<void> {
  service.kill('SIGTERM');
  const timer = setTimeout(() => service.kill('SIGKILL'), SERVICE_STOP_MS);
  await service.ended;
  clearTimeout(timer);
}
