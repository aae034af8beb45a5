/**
 * A line between a client and a server that does what lines do: late, slow, dumb, cut. Listens on
 * loopback, forwards to one target, and is told what goes wrong, for each direction by itself. Knows
 * nothing of what is said on it.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { seededRandom, type SeededRandom } from '@writ/testing';
import { fairWeather, TcpFlow, type Weather } from './tcp-flow';

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** `up`: what the client sends. `down`: what the server answers. */
export type Direction = 'up' | 'down';

export interface TcpProxyOptions {
  readonly target: Target;
  /** Of the chance in `jitterMs`. */
  readonly seed?: number;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  readonly flows: readonly TcpFlow[];
}

const both: readonly Direction[] = ['up', 'down'];

export class TcpProxy {
  /** Bytes passed on, by direction. */
  readonly passed = { up: 0, down: 0 };
  /** How many connections were let through to the target. */
  accepted = 0;
  /** How many were turned away. */
  refused = 0;
  private readonly links = new Set<Link>();
  private readonly weather: Record<Direction, Weather> = { up: fairWeather, down: fairWeather };
  private readonly random: SeededRandom;
  private isRefusing = false;

  private constructor(
    private readonly listener: Server,
    private readonly target: Target,
    seed: number,
  ) {
    this.random = seededRandom(seed);
    listener.on('connection', (client) => this.connect(client));
  }

  static async open({ target, seed = 1 }: TcpProxyOptions): Promise<TcpProxy> {
    const listener = createServer({ allowHalfOpen: true, noDelay: true });
    const proxy = new TcpProxy(listener, target, seed);
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen({ port: 0, host: '127.0.0.1' }, resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.links.size;
  }

  /** Every byte that comes from now on leaves so much later, at random up to `jitterMs` more. */
  delay(delayMs: number, jitterMs = 0, directions = both): void {
    this.change(directions, { delayMs, jitterMs });
  }

  throttle(bytesPerSecond: number, directions = both): void {
    this.change(directions, { bytesPerSecond });
  }

  /** Bytes stop and connections stay, new ones too: nobody is told anything. */
  stall(directions = both): void {
    this.change(directions, { stalled: true });
  }

  /** Ends every connection in order (FIN to both sides); what was under way is lost. */
  cut(): number {
    return this.endAll((socket) => socket.destroy());
  }

  /** Ends every connection with RST to both sides. */
  reset(): number {
    return this.endAll((socket) => socket.resetAndDestroy());
  }

  /** New connections are reset at once; those that are open stay. */
  refuse(): void {
    this.isRefusing = true;
  }

  /** All is well again; what was held back goes on its way. */
  heal(): void {
    this.isRefusing = false;
    this.change(both, fairWeather);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.listener.close(resolve));
    this.cut();
    await closed;
  }

  private change(directions: readonly Direction[], change: Partial<Weather>): void {
    for (const direction of directions) {
      this.weather[direction] = { ...this.weather[direction], ...change };
    }
    for (const { flows } of this.links) for (const flow of flows) flow.wake();
  }

  private connect(client: Socket): void {
    client.on('error', () => undefined); // it closes, which the flows pass on
    if (this.isRefusing) {
      this.refused += 1;
      client.resetAndDestroy();
      return;
    }
    const server = connect({ ...this.target, allowHalfOpen: true, noDelay: true });
    server.on('error', () => undefined);
    this.accepted += 1;
    const flow = (from: Socket, to: Socket, direction: Direction) =>
      new TcpFlow(
        from,
        to,
        () => this.weather[direction],
        this.random.fork(),
        (bytes) => void (this.passed[direction] += bytes),
      );
    const link = {
      client,
      server,
      flows: [flow(client, server, 'up'), flow(server, client, 'down')],
    };
    this.links.add(link);
    const left = () => {
      if (client.destroyed && server.destroyed) this.links.delete(link);
    };
    client.once('close', left);
    server.once('close', left);
  }

  private endAll(end: (socket: Socket) => void): number {
    const count = this.links.size;
    for (const { client, server, flows } of this.links) {
      for (const flow of flows) flow.close();
      end(client);
      end(server);
    }
    return count;
  }
}
