import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { eventually } from '@writ/testing';
import { TcpProxy } from './tcp-proxy';

let server: Server;
let proxy: TcpProxy;
let served: Socket[];

/** A server that says back what it hears. */
beforeEach(async () => {
  served = [];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    served.push(socket);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  proxy = await TcpProxy.open({ target: { host: '127.0.0.1', port }, seed: 7 });
});

afterEach(async () => {
  await proxy.close();
  for (const socket of served) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

class Client {
  heard = '';
  error: NodeJS.ErrnoException | undefined = undefined;
  ended = false;
  closed = false;

  private constructor(readonly socket: Socket) {
    socket.setEncoding('utf8').on('data', (text: string) => (this.heard += text));
    socket.on('error', (error) => (this.error = error));
    socket.on('end', () => (this.ended = true));
    socket.on('close', () => (this.closed = true));
  }

  static async open(): Promise<Client> {
    const client = new Client(connect({ port: proxy.port, host: '127.0.0.1' }));
    await once(client.socket, 'connect');
    return client;
  }

  say(text: string): void {
    this.socket.write(text);
  }

  hears(text: string): Promise<boolean> {
    return eventually(() => this.heard === text, { what: `the client to hear "${text}"` });
  }

  isGone(): Promise<boolean> {
    return eventually(() => this.closed, { what: 'the connection to close' });
  }
}

describe('a line without faults', () => {
  it('passes on both ways, and the end of a side as its end', async () => {
    const client = await Client.open();
    client.say('hello');
    await client.hears('hello');
    client.socket.end('bye');
    await client.isGone();
    expect(client).toMatchObject({ heard: 'hellobye', ended: true, error: undefined });
    await eventually(() => proxy.connections === 0, { what: 'the proxy to forget the connection' });
    expect(proxy.passed).toEqual({ up: 8, down: 8 });
  });

  it('passes on more than it may keep, to a reader that is slow at first', async () => {
    const client = await Client.open();
    const much = 'x'.repeat(3_000_000);
    client.socket.pause();
    client.say(much);
    await eventually(() => proxy.passed.up > 0, { what: 'the first bytes' });
    client.socket.resume();
    await eventually(() => client.heard.length === much.length, { what: 'all of it' });
  });
});

describe('a late line', () => {
  it('keeps the order, delays each way by its own time, and is itself again when healed', async () => {
    const client = await Client.open();
    proxy.delay(100, 50);
    const since = performance.now();
    for (const letter of 'abcdefgh') client.say(letter);
    await client.hears('abcdefgh');
    expect(performance.now() - since).toBeGreaterThanOrEqual(200);
    proxy.heal();
    proxy.delay(150, 0, ['up']);
    const again = performance.now();
    client.say('i');
    await client.hears('abcdefghi');
    expect(performance.now() - again).toBeGreaterThanOrEqual(149);
  });
});

describe('a slow line', () => {
  it('passes on so many bytes a second', async () => {
    const client = await Client.open();
    proxy.throttle(10_000, ['down']);
    const since = performance.now();
    client.say('y'.repeat(4_000));
    await client.hears('y'.repeat(4_000));
    expect(performance.now() - since).toBeGreaterThanOrEqual(300);
  });
});

describe('a dumb line', () => {
  it('holds back one way only, and gives it all when healed', async () => {
    const client = await Client.open();
    proxy.stall(['down']);
    client.say('one');
    await eventually(() => proxy.passed.up === 3, { what: 'the server to hear it' });
    client.say('two');
    await eventually(() => proxy.passed.up === 6, { what: 'the server to hear more' });
    expect(client).toMatchObject({ heard: '', closed: false });
    expect(proxy.passed.down).toBe(0);
    proxy.heal();
    await client.hears('onetwo');
  });

  it('tells nobody that the other side is gone', async () => {
    const client = await Client.open();
    client.say('here');
    await client.hears('here');
    proxy.stall();
    const gone = once(served[0]!, 'close');
    served[0]!.destroy();
    await gone;
    const other = await Client.open(); // new connections are as dumb
    other.say('anybody?');
    expect([client.closed, other.closed, other.heard]).toEqual([false, false, '']);
    proxy.heal();
    await client.isGone();
    await other.hears('anybody?');
  });
});

describe('a line that breaks', () => {
  it('closes both sides when it is cut', async () => {
    const client = await Client.open();
    client.say('x');
    await client.hears('x');
    expect(proxy.cut()).toBe(1);
    await client.isGone();
    expect(client).toMatchObject({ ended: true, error: undefined });
    await eventually(() => served[0]!.readableEnded, { what: 'the server to see the end' });
  });

  it('resets both sides', async () => {
    const client = await Client.open();
    client.say('x');
    await client.hears('x');
    expect(proxy.reset()).toBe(1);
    await client.isGone();
    expect(client.error?.code).toBe('ECONNRESET');
    await eventually(() => served[0]!.destroyed, { what: 'the server to be reset' });
  });

  it('refuses new connections, leaves those that are open, and lets in again when healed', async () => {
    const before = await Client.open();
    before.say('still');
    await before.hears('still');
    proxy.refuse();
    const socket = connect({ port: proxy.port, host: '127.0.0.1' });
    const error = new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve));
    expect((await error).code).toBe('ECONNRESET');
    before.say('here');
    await before.hears('stillhere');
    proxy.heal();
    const after = await Client.open();
    after.say('back');
    await after.hears('back');
    expect([proxy.accepted, proxy.refused]).toEqual([2, 1]);
  });

  it('closes a client whose server is not there', async () => {
    await new Promise((resolve) => {
      server.close(resolve);
    });
    const client = await Client.open();
    await client.isGone();
  });
});
