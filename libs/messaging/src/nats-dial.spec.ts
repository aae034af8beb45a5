/** What a server hears first, from a server that only listens. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { silentLogger } from './bus-hooks';
import { dial } from './nats-dial';

describe('the first words to NATS', () => {
  let server: Server;
  let place: string;
  let greeting: Promise<Record<string, unknown>>;

  beforeEach(async () => {
    let greeted: (words: Record<string, unknown>) => void;
    greeting = new Promise((resolve) => (greeted = resolve));
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write(
        'INFO {"server_id":"x","version":"2.9.0","headers":true,"max_payload":1048576}\r\n',
      );
      socket.on('data', (bytes) => {
        const found = /CONNECT (.*)\r\n/.exec(bytes.toString());
        if (found) greeted(JSON.parse(found[1]!) as Record<string, unknown>);
        socket.end("-ERR 'Authorization Violation'\r\n");
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    place = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => server.close());

  const refused = (servers: string, token?: string) => {
    return dial({ servers, token, name: 'planner', connectWithinMs: 5_000, logger: silentLogger });
  };

  it.each([
    ['nats://HERE', 'secret', { auth_token: 'secret' }],
    ['nats://secret@HERE', undefined, { auth_token: 'secret' }],
    ['nats://planner:a%40b@HERE', undefined, { user: 'planner', pass: 'a@b' }],
    ['nats://planner:pw@HERE,nats://127.0.0.1:9', undefined, { user: 'planner', pass: 'pw' }],
  ])('to %s name who is there', async (url, token, expected) => {
    const connecting = refused(url.replace('HERE', place), token).catch((error: Error) => error);
    expect(await greeting).toMatchObject({ ...expected, name: 'writ-planner', headers: true });
    await connecting;
  });

  it('are not repeated to a server that refuses them, and no secret is in the error', async () => {
    const error = await refused(`nats://planner:secret@${place}`).catch((e: Error) => e);
    expect(error).toMatchObject({ message: expect.stringMatching(/refuses .* NATS_TOKEN/) });
    expect((error as Error).message).not.toContain('secret');
  });
});
