import { QueryError } from '@writ/messaging';

import { problemOf, TestRequests } from '../test-requests';

const gateway = TestRequests.ofOneGateway();
const id = 'aaaaaaaaaaaaaaaa';

describe('figures and advice from the record', () => {
  beforeAll(async () => {
    const { standIns } = gateway;
    const known = (asked: Record<string, unknown>) => {
      if (String(asked['id']).startsWith(id)) return { asked };
      throw new QueryError('not_found', 'there is no such thing');
    };
    await standIns.answer('manifest', 'directive-metrics', known);
    await standIns.answer('manifest', 'run-metrics', known);
    await standIns.answer('manifest', 'rollback-advisory', (asked) => {
      if (asked['step'] !== 'idle') return known(asked);
      throw new QueryError('illegal_transition', 'step idle has not begun');
    });
  });

  test.each([
    [`/v1/directives/${id}/metrics`, { id }],
    [`/v1/runs/${id}-g1-one-a1/metrics`, { id: `${id}-g1-one-a1` }],
    [`/v1/directives/${id}/rollback-advisory?step=one`, { id, step: 'one' }],
  ])('%s asks who keeps the record', async (path, asked) => {
    const response = await gateway.get(path);
    expect([response.status, await response.json()]).toEqual([200, { asked }]);
  });

  test.each([
    ['/v1/directives/bbbbbbbbbbbbbbbb/metrics', 404, 'not_found'],
    ['/v1/directives/no-id/metrics', 404, 'not_found'],
    [`/v1/runs/${id}/metrics`, 404, 'not_found'],
    [`/v1/directives/${id}/rollback-advisory`, 400, 'malformed'],
    [`/v1/directives/${id}/rollback-advisory?step=..%2F`, 400, 'malformed'],
    [`/v1/directives/${id}/rollback-advisory?step=idle`, 409, 'illegal_transition'],
  ])('%s is %i %s', async (path, status, code) => {
    const response = await gateway.get(path);
    expect(response.status).toBe(status);
    expect(await problemOf(response)).toMatchObject({ code });
  });
});
