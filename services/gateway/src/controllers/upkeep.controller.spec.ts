import { subjects } from '@writ/contracts';
import { eventually } from '@writ/testing';

import { type Json, TestRequests } from '../test-requests';

const gateway = TestRequests.ofOneGateway();

describe('long work', () => {
  test('tells its progress line by line and last its result', async () => {
    await gateway.standIns.answer('manifest', 'verify-log', (_, progress) => {
      progress({ verified: 10 });
      return { events: 20, ok: true };
    });
    const response = await gateway.post('/v1/log/verify', {});
    const lines = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Json);
    expect(lines).toEqual([{ progress: { verified: 10 } }, { result: { events: 20, ok: true } }]);
  });
});

describe('dead letters', () => {
  test('are listed, shown and sent again', async () => {
    const subject = subjects.command('create');
    const attributes = { id: 'poison', type: 't', source: '/s' };
    await gateway.standIns.bus.send({ subject, dataText: 'not json', attributes });
    const letters = await eventually(
      async () => {
        const listed = (await (await gateway.get('/v1/dead-letters')).json()) as Json[];
        return listed.length > 0 && listed;
      },
      { what: 'the dead letter' },
    );
    const [letter] = letters as Json[];
    expect(letter).toMatchObject({ reason: 'malformed', subject });
    expect(letter).not.toHaveProperty('bodyBase64');
    const path = `/v1/dead-letters/${String(letter!['sequence'])}`;
    const shown = (await (await gateway.get(path)).json()) as Json;
    expect(Buffer.from(shown['bodyBase64'] as string, 'base64').toString()).toBe('not json');
    const replayed = await gateway.post(`${path}/replay`, {});
    expect(replayed.status).toBe(200);
    expect(await replayed.json()).toMatchObject({ subject });
    expect((await gateway.post(`${path}/replay`, {})).status).toBe(404);
  });
});
