/** Stands between a worker and NATS, so that the connection between the two can be cut. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export class CutProxy {
  private readonly sockets = new Set<Socket>();
  private open = true;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async start(to: { readonly host: string; readonly port: number }): Promise<CutProxy> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const proxy = new CutProxy(server, (server.address() as AddressInfo).port);
    server.on('connection', (client) => {
      const onward = connect(to);
      for (const socket of [client, onward]) proxy.keep(socket);
      if (!proxy.open) proxy.cutAll();
      client.pipe(onward).pipe(client);
    });
    return proxy;
  }

  /** Cuts what is connected, and whoever connects meanwhile; `heal` ends that. */
  cut(): void {
    this.open = false;
    this.cutAll();
  }

  heal(): void {
    this.open = true;
  }

  get isConnected(): boolean {
    return this.sockets.size > 0;
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    const gone = () => {
      this.sockets.delete(socket);
      socket.destroy();
    };
    socket.on('error', gone);
    socket.on('close', gone);
  }

  private cutAll(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}
