import { join } from 'node:path';

import { CliUnderTest } from '../cli-under-test';
import { FakeGateway } from '../fake-gateway';

const cli = CliUnderTest.forEach();

describe('long work', () => {
  const lines = (...values: object[]) => values.map((value) => JSON.stringify(value)).join('\n');
  const work = (path: string, text: string) =>
    cli.gateway.on(`POST ${path}`, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(text);
    });
  const report = (equal: boolean) => ({
    events: 3,
    seconds: 0.1,
    projections: [{ name: 'planner.directive', rows: 2, equal }],
  });

  test('rebuild prints its report, and ends with 11 when a check finds a difference', async () => {
    work('/v1/rebuild', lines({ progress: { service: 'planner' } }, { result: report(true) }));
    const { code, stdout } = await cli.writ('rebuild', '--check', '--json');
    expect([code, JSON.parse(stdout)]).toEqual([0, report(true)]);
    expect(JSON.parse(cli.gateway.asked[0]!.body)).toEqual({ check: true });
    work('/v1/rebuild', lines({ result: report(false) }));
    expect((await cli.writ('rebuild', '--check')).code).toBe(11);
    expect((await cli.writ('rebuild')).code).toBe(0);
  });

  test('log verify ends with 11 when the log does not hold', async () => {
    const found = { events: 3, headPosition: 3, headHash: 'h', ok: true };
    work('/v1/log/verify', lines({ result: found }));
    expect(await cli.writ('log', 'verify', '--json')).toMatchObject({
      code: 0,
      stdout: `${JSON.stringify(found)}\n`,
    });
    const bad = { ...found, ok: false, firstBad: { position: 2, reason: 'its hash is another' } };
    work('/v1/log/verify', lines({ result: bad }));
    const { code, stderr } = await cli.writ('log', 'verify');
    expect(code).toBe(11);
    expect(stderr).toContain('position 2: its hash is another');
  });

  test('log verify says how many checkpoints hold, beside the format', async () => {
    const found = { events: 3, headPosition: 3, headHash: 'h', ok: true };
    const withCheckpoints = (checkpoints?: number) =>
      work('/v1/log/verify', lines({ result: { ...found, checkpoints } }));
    withCheckpoints(2);
    expect(JSON.parse((await cli.writ('log', 'verify', '--json')).stdout)).toEqual(found);
    expect((await cli.writ('log', 'verify')).stderr).toContain('all 2 checkpoints');
    withCheckpoints();
    expect((await cli.writ('log', 'verify')).stderr).toContain('no checkpoint yet');
  });

  test('its progress is a line on a terminal that is gone before the result', async () => {
    work('/v1/rebuild', lines({ progress: { service: 'planner' } }, { result: report(true) }));
    const { isTTY } = process.stderr;
    process.stderr.isTTY = true;
    process.env['TERM'] = 'xterm';
    delete process.env['CI'];
    const { stderr } = await cli.writ('rebuild', '--check');
    process.stderr.isTTY = isTTY;
    expect(stderr.split('compared')[0]).toMatch(/service planner\r\x1b\[2K3 events read/);
  });

  test('an error at its end is an error of the command', async () => {
    work(
      '/v1/rebuild',
      lines({ progress: {} }, { error: { code: 'unavailable', message: 'nobody' } }),
    );
    const { code, stderr } = await cli.writ('rebuild', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toEqual({ error: { code: 'unavailable', message: 'nobody' } });
  });

  test('an answer that breaks off is no success', async () => {
    work('/v1/rebuild', lines({ progress: {} }));
    expect((await cli.writ('rebuild')).code).toBe(1);
  });
});

describe('manifest verify', () => {
  test('works with nothing running, and tells a manifest that does not hold', async () => {
    await cli.gateway.stop();
    const wrong = await cli.writ(
      'manifest',
      'verify',
      cli.write('{"kind":"run"}', 'm.json'),
      '--json',
    );
    expect(wrong.code).toBe(11);
    expect(JSON.parse(wrong.stdout)).toMatchObject({ ok: false, kind: 'run' });
    expect((await cli.writ('manifest', 'verify', cli.write('{', 'm.json'))).code).toBe(2);
    expect((await cli.writ('manifest', 'verify', join(cli.folder, 'none'))).code).toBe(3);
    cli.gateway = await FakeGateway.start();
  });
});
