/**
 * A whole stack to be mistreated: PostgreSQL, NATS, and every service as a process with lines of its
 * own to both. Owns the order of start and end. What is done to it, and when, is others' business.
 *
 * C1 No service reaches a server but through its own proxies, and no client the gateway but through
 *    the door.
 * C2 Everything that is started ends with this process, and before `stop` resolves.
 */
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from '@writ/embedded-servers';
import { type Canary, makeCanaries } from './canaries';
import { KeptProcess } from './kept-process';
import { makeRepository } from './repository';
import { Nats, Postgres } from './servers';
import { TcpProxy } from './tcp-proxy';
import { witnessFile } from './witness';
import { WitnessPipe } from './witness-pipe';

/** Process -> the service that it is one of. Two executors: one takes over what the other leaves. */
const processes = {
  planner: 'planner',
  executor: 'executor',
  'executor-2': 'executor',
  verifier: 'verifier',
  manifest: 'manifest',
  gateway: 'gateway',
} as const;
export type ProcessName = keyof typeof processes;
export const processNames = Object.keys(processes) as ProcessName[];

const roles = ['planner', 'executor', 'verifier', 'manifest'] as const;
/** What of our own environment a service sees. */
const inherited = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ'];

/** As short as tests can bear; in earnest it is 10 s. */
const DEFAULT_LEASE_MS = 4_000;

export interface Lines {
  readonly nats: TcpProxy;
  /** The gateway has no database. */
  readonly database?: TcpProxy;
}

export interface HarnessOptions {
  readonly seed: number;
  readonly leaseMs?: number;
  /** Of services, by their names, besides what the stack needs. */
  readonly settings?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What happens that nobody asked for. */
  readonly tell?: (text: string) => void;
}

export class Harness {
  readonly lines = new Map<ProcessName, Lines>();
  readonly services = new Map<ProcessName, KeptProcess>();
  postgres!: Postgres;
  nats!: Nats;
  /** Past the door, for whoever checks. */
  gatewayUrl = '';
  /** Between clients and the gateway. */
  door!: TcpProxy;
  /** What the programs of executors and verifier are given, and nothing may keep. */
  readonly canaries: readonly Canary[];
  private witness: WitnessPipe | undefined;
  private readonly natsToken = randomBytes(16).toString('hex');
  private readonly passwords = new Map(roles.map((it) => [it, randomBytes(16).toString('hex')]));

  private constructor(
    /** Everything that the stack keeps, its logs too. */
    readonly folder: string,
    private readonly options: HarnessOptions,
  ) {
    this.canaries = makeCanaries(options.seed);
  }

  /** When it throws, nothing is left running. */
  static async start(options: HarnessOptions): Promise<Harness> {
    const harness = new Harness(await mkdtemp(join(tmpdir(), 'writ-chaos-')), options);
    try {
      await harness.startAll();
      return harness;
    } catch (error) {
      await harness.stop();
      throw error;
    }
  }

  get leaseMs(): number {
    return this.options.leaseMs ?? DEFAULT_LEASE_MS;
  }

  /** What no step may look into. */
  get home(): string {
    return join(this.folder, 'stack');
  }

  /** The folder in which the steps work. */
  get workFolder(): string {
    return join(this.folder, 'work');
  }

  /** The repository on which steps work. */
  get repository(): string {
    return join(this.folder, 'repository');
  }

  get witnessFile(): string {
    return join(this.workFolder, witnessFile);
  }

  /** For steps that cannot write into the folder: what they write here comes into the file. */
  get witnessPipe(): string {
    return this.witness!.path;
  }

  /** Of the gateway, for clients. */
  get doorUrl(): string {
    return `http://127.0.0.1:${this.door.port}`;
  }

  /** Credentials of this stack: no log, no record and no artifact may hold them. */
  get credentials(): readonly Canary[] {
    const passwords = [...this.passwords].map(([role, value]) => ({
      name: `${role}'s password`,
      value,
    }));
    return [{ name: 'the token of NATS', value: this.natsToken }, ...passwords];
  }

  /** The server of messages itself, past the proxies. */
  get natsAddress(): { readonly servers: string; readonly token: string } {
    return { servers: `127.0.0.1:${this.nats.port}`, token: this.natsToken };
  }

  service(name: ProcessName): KeptProcess {
    return this.services.get(name)!;
  }

  /** All lines, or those of one process. */
  proxies(kind: 'nats' | 'database', of: readonly ProcessName[] = processNames): TcpProxy[] {
    return of.flatMap((name) => this.lines.get(name)?.[kind] ?? []);
  }

  heal(): void {
    for (const proxy of this.everyProxy()) proxy.heal();
    for (const service of this.services.values()) {
      service.up();
      service.signal('SIGCONT');
    }
  }

  async allReady(): Promise<void> {
    await Promise.all([...this.services.values()].map((service) => service.ready()));
  }

  /** C2. Leaves the folder; `remove` takes it away. */
  async stop(): Promise<void> {
    const proxies = this.everyProxy();
    for (const proxy of proxies) proxy.heal();
    await Promise.all([...this.services.values()].map((service) => service.down('SIGTERM')));
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await this.nats?.stop();
    await this.postgres?.stop();
    await this.witness?.close();
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  private everyProxy(): TcpProxy[] {
    const door = this.door === undefined ? [] : [this.door];
    return [...this.proxies('nats'), ...this.proxies('database'), ...door];
  }

  private async startAll(): Promise<void> {
    for (const folder of ['logs', 'content', 'tmp']) {
      mkdirSync(join(this.home, folder), { recursive: true });
    }
    mkdirSync(this.workFolder);
    writeFileSync(join(this.workFolder, 'marker.txt'), 'the folder of the steps\n');
    makeRepository(this.repository);
    this.witness = WitnessPipe.open(join(this.folder, 'witness'), this.witnessFile);
    const servers = await Promise.allSettled([
      Postgres.start(join(this.home, 'postgres'), this.logTo('postgres')).then((server) => {
        this.postgres = server;
      }),
      Nats.start(join(this.home, 'nats'), this.natsToken, this.logTo('nats')).then((server) => {
        this.nats = server;
      }),
    ]);
    for (const server of servers) if (server.status === 'rejected') throw server.reason;
    await this.migrate();
    for (const [index, name] of processNames.entries()) {
      this.services.set(name, await this.make(name, this.options.seed * 100 + index * 2));
    }
    for (const service of this.services.values()) service.up();
    await this.allReady();
  }

  private async migrate(): Promise<void> {
    const passwords = [...this.passwords].map(
      ([role, password]) => [`WRIT_${role.toUpperCase()}_PASSWORD`, password] as const,
    );
    const env = { DATABASE_URL: this.postgres.url, ...Object.fromEntries(passwords) };
    await this.process('migrator', 'migrator', env).once();
  }

  /** C1 */
  private async make(name: ProcessName, seed: number): Promise<KeptProcess> {
    const host = '127.0.0.1';
    const service = processes[name];
    const nats = await TcpProxy.open({ target: { host, port: this.nats.port }, seed });
    this.lines.set(name, { nats });
    const httpPort = await freePort();
    const data = join(this.home, 'data', name);
    mkdirSync(data, { recursive: true });
    const env: Record<string, string> = {
      NATS_URL: `nats://${host}:${nats.port}`,
      NATS_TOKEN: this.natsToken,
      HTTP_HOST: host,
      HTTP_PORT: String(httpPort),
      WRIT_HOME: this.home,
      WRIT_CONTENT_DIR: join(this.home, 'content'),
      WRIT_DATA_DIR: data,
      SERVICE_INSTANCE: name,
      TMPDIR: join(this.home, 'tmp'),
    };
    if (service === 'gateway') {
      this.gatewayUrl = `http://${host}:${httpPort}`;
      this.door = await TcpProxy.open({ target: { host, port: httpPort }, seed: seed + 1 });
    } else {
      const target = { host, port: this.postgres.port };
      const database = await TcpProxy.open({ target, seed: seed + 1 });
      this.lines.set(name, { nats, database });
      const url = new URL(this.postgres.url);
      url.port = String(database.port);
      url.username = `writ_${service}`;
      url.password = this.passwords.get(service)!;
      env['DATABASE_URL'] = url.href;
    }
    if (service === 'executor') env['WRIT_LEASE_MS'] = String(this.leaseMs);
    const runsPrograms = service === 'executor' || service === 'verifier';
    return this.process(name, service, { ...env, ...(runsPrograms ? this.forPrograms() : {}) });
  }

  private forPrograms(): Record<string, string> {
    const names = this.canaries.map((canary) => canary.name).join(',');
    return {
      WRIT_SANDBOX_PATHS: dirname(this.witnessPipe),
      WRIT_PASS_ENV: names,
      WRIT_SECRET_ENV: names,
      ...Object.fromEntries(this.canaries.map((canary) => [canary.name, canary.value])),
    };
  }

  private process(name: string, service: string, own: Record<string, string>): KeptProcess {
    const ours = inherited.flatMap((key) => {
      const value = process.env[key];
      return value === undefined ? [] : [[key, value] as const];
    });
    return new KeptProcess({
      name,
      service,
      env: { ...Object.fromEntries(ours), ...this.options.settings?.[service], ...own },
      logFile: join(this.home, 'logs', `${name}.log`),
      fell: (how) => this.options.tell?.(`${name} fell: ${how}`),
    });
  }

  private logTo(name: string): (line: string) => void {
    const file = join(this.home, 'logs', `${name}.log`);
    return (line) => appendFileSync(file, `${line}\n`);
  }
}
