/** PostgreSQL and NATS of a harness: started, stopped badly and started again at the same address. */
import { rmSync } from 'node:fs';
import {
  type NatsServer,
  type PostgresServer,
  startNats,
  startPostgres,
} from '@writ/embedded-servers';

type Log = (line: string) => void;

export class Postgres {
  private constructor(
    private readonly dataDir: string,
    private readonly log: Log,
    private server: PostgresServer,
  ) {}

  static async start(dataDir: string, log: Log): Promise<Postgres> {
    const server = await startPostgres({ dataDir, log, tetherToParent: true });
    return new Postgres(dataDir, log, server);
  }

  get port(): number {
    return this.server.port;
  }

  get pid(): number {
    return this.server.pid;
  }

  /** The superuser's, without a proxy. */
  get url(): string {
    return this.server.url;
  }

  /** `immediate`: no checkpoint, connections cut; `kill`: SIGKILL. */
  async stop(how: 'smart' | 'immediate' | 'kill' = 'smart'): Promise<void> {
    if (how === 'kill') {
      process.kill(this.server.pid, 'SIGKILL');
      await this.server.exited;
    }
    await this.server.stop({ immediate: how !== 'smart' });
  }

  async start(): Promise<void> {
    const { dataDir, log } = this;
    const { port } = this.server;
    this.server = await startPostgres({ dataDir, log, port, tetherToParent: true });
  }
}

export class Nats {
  private constructor(
    private readonly storeDir: string,
    private readonly token: string,
    private readonly log: Log,
    private server: NatsServer,
  ) {}

  static async start(storeDir: string, token: string, log: Log): Promise<Nats> {
    const server = await startNats({ storeDir, token, log, tetherToParent: true });
    return new Nats(storeDir, token, log, server);
  }

  get port(): number {
    return this.server.port;
  }

  get pid(): number {
    return this.server.pid;
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  kill(): Promise<void> {
    return this.server.kill();
  }

  /** Its files go, running or not. */
  wipe(): void {
    rmSync(this.storeDir, { recursive: true, force: true });
  }

  async start(): Promise<void> {
    const { storeDir, token, log } = this;
    const { port } = this.server;
    this.server = await startNats({ storeDir, token, log, port, tetherToParent: true });
  }
}
