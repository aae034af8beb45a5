import { type RunDocument, subjects } from '@writ/contracts';
import { eventually } from '@writ/testing';

import { TestRequests } from '../test-requests';

const gateway = TestRequests.ofOneGateway();

describe('the output of a run', () => {
  const runId = 'aaaaaaaaaaaaaaaa-g1-two-a1';
  const running = { runId, status: 'processing', result: null, transcript: null };

  test('that goes on is followed, and ends with the result', async () => {
    const { standIns } = gateway;
    standIns.runs.set(runId, running as unknown as RunDocument);
    expect((await gateway.get(`/v1/runs/${runId}/logs`)).status).toBe(409);
    const stream = await gateway.stream(`/v1/runs/${runId}/logs`);
    const piece = { runId, stream: 'stdout', text: 'hello\n', offset: 0 };
    await eventually(
      () => {
        standIns.bus.broadcast(subjects.log(runId), Buffer.from(JSON.stringify(piece)));
        return stream.text.read.includes('hello');
      },
      { what: 'the output' },
    );
    const ended = { ...running, status: 'complete', result: 'success' };
    standIns.runs.set(runId, ended as unknown as RunDocument);
    standIns.append(`run-${runId}`, 'RunEnded');
    await stream.done;
    expect(stream.text.read).toContain('event: stdout\n');
    expect(stream.text.read).toContain('event: end\ndata: {"result":"success","transcript":null}');
  });

  test('that has ended is its transcript', async () => {
    const transcript = gateway.standIns.keep(Buffer.from('all of it'));
    const ended = { ...running, status: 'complete', transcript };
    gateway.standIns.runs.set(runId, ended as unknown as RunDocument);
    const response = await gateway.get(`/v1/runs/${runId}/logs`);
    expect(await response.text()).toBe('all of it');
    expect(response.headers.get('content-type')).toContain('text/plain');
  });
});
