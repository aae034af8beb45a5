import { CliUnderTest, directive, ID } from '../cli-under-test';
import { send } from '../fake-gateway';

const cli = CliUnderTest.forEach();

describe('reading', () => {
  test('list gives an array', async () => {
    cli.gateway.on('GET /v1/directives', [directive]);
    const { stdout } = await cli.writ(
      'list',
      '--json',
      '--status',
      'active',
      '--limit',
      '5',
      '--after',
      ID,
    );
    expect(JSON.parse(stdout)).toEqual([directive]);
    expect(cli.gateway.asked[0]?.path).toBe(`/v1/directives?status=active&limit=5&after=${ID}`);
  });

  test('show gives the document as it came', async () => {
    cli.gateway.on(`GET /v1/directives/${ID}`, directive);
    expect(JSON.parse((await cli.writ('show', ID, '--json')).stdout)).toEqual(directive);
    expect((await cli.writ('show', ID)).stdout).toContain('✓ one');
  });

  test('events come page by page, one line each, until there are no more', async () => {
    const event = (position: number) => ({
      position,
      recordedAt: 'x',
      type: 'T',
      stream: 's',
      data: {},
    });
    cli.gateway.on('GET /v1/events', ({ path }, response) => {
      const query = new URL(path, cli.gateway.url).searchParams;
      const [after, limit] = [Number(query.get('after')), Number(query.get('limit'))];
      const last = Math.min(2_500, after + limit);
      const events = Array.from({ length: last - after }, (_, at) => event(after + at + 1));
      send(response, 200, { events, headPosition: 2_500 });
    });
    const { stdout } = await cli.writ('events', '--json');
    const positions = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { position: number }).position);
    expect(positions).toEqual(Array.from({ length: 2_500 }, (_, at) => at + 1));
    expect(
      (await cli.writ('events', '--limit', '3', '--after', '7')).stdout.trim().split('\n'),
    ).toHaveLength(3);
  });

  test('events that are too large for one answer come in smaller pages', async () => {
    cli.gateway.on('GET /v1/events', ({ path }, response) => {
      const query = new URL(path, cli.gateway.url).searchParams;
      const [after, limit] = [Number(query.get('after')), Number(query.get('limit'))];
      if (limit > 10) return send(response, 413, { code: 'too_large', detail: 'ask for fewer' });
      const events = Array.from({ length: Math.min(limit, 25 - after) }, (_, at) => ({
        ...{ position: after + at + 1, recordedAt: 'x', type: 'T', stream: 's', data: {} },
      }));
      send(response, 200, { events });
    });
    const { stdout } = await cli.writ('events', '--json');
    expect(stdout.trim().split('\n')).toHaveLength(25);
  });

  test('events that come later follow, also after the stream broke', async () => {
    const event = (position: number) => ({
      position,
      recordedAt: 'x',
      type: 'T',
      stream: 's',
      data: {},
    });
    cli.gateway.on('GET /v1/events', ({ path, headers }, response) => {
      const after = Number(new URL(path, cli.gateway.url).searchParams.get('after'));
      if (!headers.accept?.includes('event-stream'))
        return send(response, 200, { events: [event(1)] });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`id: ${after + 1}\ndata: ${JSON.stringify(event(after + 1))}\n\n`);
      // Broken off the second time, ended in order the others.
      if (after === 2) setImmediate(() => response.destroy());
      else response.end();
    });
    const { stdout } = await cli.writ('events', '--follow', '--json', '--limit', '4');
    expect(
      stdout
        .trim()
        .split('\n')
        .map((it) => (JSON.parse(it) as { position: number }).position),
    ).toEqual([1, 2, 3, 4]);
  });

  test('what a run said is printed without what could move a cursor', async () => {
    const id = `${ID}-g1-one-a1`;
    cli.gateway.on(`GET /v1/runs/${id}`, { runId: id, status: 'complete' });
    cli.gateway.on(`GET /v1/runs/${id}/logs`, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('a\x1b[2Jb\n\x1b]0;x\x07last');
    });
    expect((await cli.writ('logs', id)).stdout).toBe('ab\nlast\n');
  });
});
