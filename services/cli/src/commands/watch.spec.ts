import { CliUnderTest, directive, ID, step } from '../cli-under-test';
import { send } from '../fake-gateway';

const cli = CliUnderTest.forEach();

describe('watch', () => {
  test.each([
    ['completed', 0],
    ['failed', 10],
    ['stopped', 10],
  ])('a directive that is %s ends with %i and prints it', async (status, expected) => {
    cli.gateway.on(`GET /v1/directives/${ID}`, { ...directive, status });
    const { code, stdout } = await cli.writ('watch', ID, '--json');
    expect(code).toBe(expected);
    expect(JSON.parse(stdout)).toMatchObject({ id: ID, status });
  });

  test('what takes too long ends with 7, and the directive goes on', async () => {
    cli.gateway.on(`GET /v1/directives/${ID}`, { ...directive, status: 'active' });
    const { code, stderr } = await cli.writ('watch', ID, '--json', '--timeout', '0.3');
    expect(code).toBe(7);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'timeout' } });
  });

  test('changes are told line by line where nothing can be drawn', async () => {
    const states = ['running', 'evaluating', 'passed'];
    cli.gateway.on(`GET /v1/directives/${ID}`, (_, response) => {
      const status = states.length > 1 ? states.shift() : states[0];
      const whole = status === 'passed' ? 'completed' : 'active';
      send(response, 200, { ...directive, status: whole, steps: [{ ...step, status }] });
    });
    cli.gateway.on(`GET /v1/directives/${ID}/events`, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('id: 8\ndata: {}\n\nid: 9\ndata: {}\n\n');
    });
    const { stderr } = await cli.writ('watch', ID);
    expect(stderr.split('\n')).toEqual([
      `▶ ${ID} active`,
      '▶ one running in 2.5 s',
      '◑ one evaluating in 2.5 s',
      '✓ one passed in 2.5 s',
      `✓ ${ID} completed`,
      '',
    ]);
  });
});
