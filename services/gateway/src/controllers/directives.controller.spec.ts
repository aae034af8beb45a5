import { directive, type Json, problemOf, TestRequests } from '../test-requests';

const gateway = TestRequests.ofOneGateway();

describe('submitting', () => {
  test('gives 202 with the ids and the place in the log', async () => {
    const response = await gateway.post('/v1/directives', { directive });
    expect(response.status).toBe(202);
    const answer = (await response.json()) as Json;
    expect(answer).toEqual({
      directiveId: expect.stringMatching(/^[a-z0-9]{16}$/) as string,
      commandId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      position: expect.any(Number) as number,
      version: 1,
    });
    const command = gateway.standIns.commands.at(-1)!;
    expect(command.subject).toBe('writ.command.directive.create');
    expect(command.attributes).toMatchObject({
      id: answer['commandId'],
      actor: { kind: 'person', id: 'local' },
      traceparent: expect.stringMatching(/^00-/) as string,
    });
  });

  test('a hundred times at once with one key makes one directive', async () => {
    const headers = { 'idempotency-key': 'the-same' };
    const ids = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const response = await gateway.post('/v1/directives', { directive }, headers);
        expect(response.status).toBe(202);
        return ((await response.json()) as Json)['directiveId'];
      }),
    );
    expect(new Set(ids).size).toBe(1);
  });

  test('one key with another body is refused', async () => {
    const headers = { 'idempotency-key': 'used-before' };
    await gateway.post('/v1/directives', { directive }, headers);
    const response = await gateway.post(
      '/v1/directives',
      { directive: { ...directive, title: 'U' } },
      headers,
    );
    expect(response.status).toBe(422);
    expect(await problemOf(response)).toMatchObject({ code: 'command_reused' });
  });

  test('a directive with mistakes is told each of them, with its place', async () => {
    const response = await gateway.post('/v1/directives', {
      directive: { ...directive, gaol: 1, title: 2 },
    });
    expect(response.status).toBe(422);
    const problem = await problemOf(response);
    expect(problem).toMatchObject({
      type: 'urn:writ:problem:invalid_directive',
      code: 'invalid_directive',
      status: 422,
      instance: `urn:uuid:${response.headers.get('request-id')}`,
      details: {
        issues: [
          { code: 'wrong_type', path: '/title' },
          { code: 'unknown_key', path: '/gaol' },
        ],
      },
    });
  });

  test('without a key, or with one that is none, nothing is sent', async () => {
    const before = gateway.standIns.commands.length;
    for (const key of ['', 'two words', 'x'.repeat(201)]) {
      const response = await gateway.post(
        '/v1/directives',
        { directive },
        { 'idempotency-key': key },
      );
      expect(response.status).toBe(400);
    }
    expect(gateway.standIns.commands).toHaveLength(before);
  });
});

describe('commands on a directive', () => {
  test('go to the planner with their reason', async () => {
    const response = await gateway.post('/v1/directives/abcdefghabcdefgh/commands', {
      verb: 'pause',
      reason: 'lunch',
    });
    expect(response.status).toBe(202);
    expect(gateway.standIns.commands.at(-1)).toMatchObject({
      subject: 'writ.command.directive.pause',
      data: { directiveId: 'abcdefghabcdefgh', reason: 'lunch' },
    });
  });

  test.each([
    [{ verb: 'create' }, 400],
    [{ verb: 'pasue' }, 400],
    [{ verb: 'resume', reason: 'x' }, 400],
    [{}, 400],
  ])('%j is refused', async (body, status) => {
    const response = await gateway.post('/v1/directives/abcdefghabcdefgh/commands', body);
    expect(response.status).toBe(status);
  });

  test.each([
    ['illegal_transition', 409],
    ['not_found', 404],
    ['stale', 409],
    ['not_available', 422],
    ['a_code_of_the_future', 500],
  ])('a refusal %s becomes %i', async (code, status) => {
    const { standIns } = gateway;
    const decide = standIns.decide;
    standIns.decide = () => ({ ok: false, error: { code, message: 'no', details: { from: 'x' } } });
    const response = await gateway.post('/v1/directives/abcdefghabcdefgh/commands', {
      verb: 'stop',
    });
    standIns.decide = decide;
    expect(response.status).toBe(status);
    expect(await problemOf(response)).toMatchObject({ detail: 'no' });
  });
});

describe('a plan', () => {
  test('is what the planner says of it, with all that is wrong, and no command is sent', async () => {
    const plan = { strategy: 'explicit', steps: [], issues: [{ code: 'cycle' }] };
    let asked: unknown;
    await gateway.standIns.answer('planner', 'plan', (question) => {
      asked = question;
      return plan;
    });
    const before = gateway.standIns.commands.length;
    const response = await gateway.post('/v1/plan', { directive: { nonsense: true } });
    expect([response.status, await response.json()]).toEqual([200, plan]);
    expect(asked).toEqual({ directive: { nonsense: true } });
    expect(gateway.standIns.commands).toHaveLength(before);
  });
});
