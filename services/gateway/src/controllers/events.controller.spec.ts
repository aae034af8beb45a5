import type { DirectiveDocument } from '@writ/contracts';
import { eventually } from '@writ/testing';
import { connect } from 'node:net';

import { TestRequests } from '../test-requests';

const gateway = TestRequests.ofOneGateway();

describe('the live feed', () => {
  test('goes on with what comes, and after a break where it stopped', async () => {
    const { standIns } = gateway;
    const start = standIns.events.length;
    for (let at = 0; at < 5; at += 1) standIns.append('directive-bbbbbbbbbbbbbbbb');
    const first = await gateway.stream(`/v1/events?after=${start}`);
    await eventually(() => first.ids().length === 5, { what: 'the five' });
    standIns.append('directive-cccccccccccccccc');
    await eventually(() => first.ids().length === 6, { what: 'the sixth' });
    first.leave();
    for (let at = 0; at < 5; at += 1) standIns.append('directive-bbbbbbbbbbbbbbbb');
    const second = await gateway.stream('/v1/events', {
      'last-event-id': String(first.ids().at(-1)),
    });
    await eventually(() => second.ids().length === 5, { what: 'the rest' });
    second.leave();
    const seen = [...first.ids(), ...second.ids()].map((id) => id - start);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test('of one directive has its events only', async () => {
    const { standIns } = gateway;
    const id = 'dddddddddddddddd';
    standIns.directives.set(id, { id } as DirectiveDocument);
    const mine = standIns.append('directive-dddddddddddddddd').position;
    const stream = await gateway.stream('/v1/directives/dddddddddddddddd/events');
    await eventually(() => stream.ids().length === 1, { what: 'the first' });
    standIns.append('directive-eeeeeeeeeeeeeeee');
    const run = standIns.append('run-dddddddddddddddd-g1-one-a1').position;
    await eventually(() => stream.ids().length === 2, { what: 'the second' });
    expect(stream.ids()).toEqual([mine, run]);
    stream.leave();
  });

  test('hands a reader that keeps up all that was before, however much it is', async () => {
    const { standIns } = gateway;
    const after = standIns.events.length;
    const data = { text: 'x'.repeat(30_000) };
    for (let at = 0; at < 600; at += 1)
      standIns.append('directive-ffffffffffffffff', 'Large', data);
    standIns.append('directive-ffffffffffffffff', 'Larger', { text: 'x'.repeat(950_000) });
    const stream = await gateway.stream(`/v1/events?after=${after}`);
    const what = 'all of it, over one connection';
    await eventually(() => stream.ids().length === 601, { what, timeoutMs: 20_000, every: 100 });
    stream.leave();
    standIns.events.length = after;
  }, 30_000);

  test.each(['/v1/directives/zzzzzzzzzzzzzzzz/events', '/v1/directives/NONE/events'])(
    '%s is not found, as a page and as a stream',
    async (path) => {
      expect((await gateway.get(path)).status).toBe(404);
      expect((await gateway.stream(path)).response.status).toBe(404);
    },
  );

  test('of a directive that nothing has happened to since is an empty page', async () => {
    const { standIns } = gateway;
    const id = 'gggggggggggggggg';
    standIns.directives.set(id, { id } as DirectiveDocument);
    const { position } = standIns.append(`directive-${id}`);
    const response = await gateway.get(`/v1/directives/${id}/events?after=${position}`);
    expect(await response.json()).toMatchObject({ events: [] });
  });

  test('with an id that is no position is refused', async () => {
    const { response } = await gateway.stream('/v1/events', { 'last-event-id': 'x' });
    expect(response.status).toBe(400);
  });

  test('a client that does not read is cut off and not kept in memory', async () => {
    const { standIns } = gateway;
    const { port } = new URL(gateway.url);
    const socket = connect(Number(port), '127.0.0.1');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const after = standIns.events.length;
    socket.write(
      `GET /v1/events?after=${after} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`,
    );
    await new Promise((resolve) => socket.once('data', resolve));
    socket.pause();
    const gauge = async () =>
      /writ_gateway_feeds (\d+)/.exec(await (await gateway.get('/metrics')).text())![1];
    await eventually(async () => (await gauge()) === '1', { what: 'the feed to be open' });
    const data = { text: 'x'.repeat(500_000) };
    await eventually(
      async () => {
        standIns.append('directive-ffffffffffffffff', 'Large', data);
        return (await gauge()) === '0';
      },
      { what: 'the client to be cut off', every: 60 },
    );
    socket.resume();
    await closed;
    standIns.events.length = after;
  });
});
