import { digestOf } from '../stand-ins';
import { problemOf, TestRequests } from '../test-requests';

const gateway = TestRequests.ofOneGateway();

describe('artifacts', () => {
  test('come back as they were put, as a download that no browser runs', async () => {
    const bytes = Buffer.alloc(1_300_000, 'abc<script>');
    const digest = digestOf(bytes);
    const put = await fetch(`${gateway.url}/v1/artifacts/${digest}`, {
      method: 'PUT',
      body: bytes,
    });
    expect(await put.json()).toEqual({ digest, bytes: bytes.length });
    const response = await gateway.get(
      `/v1/artifacts/${digest}?name=${encodeURIComponent('a"b ü.html')}`,
    );
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="a_b__.html"; filename*=UTF-8''a%22b%20%C3%BC.html`,
    );
    expect(response.headers.get('content-security-policy')).toContain('sandbox');
    const head = await fetch(`${gateway.url}/v1/artifacts/${digest}`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(bytes.length));
  });

  test('nothing at all is an artifact too', async () => {
    const digest = digestOf('');
    await fetch(`${gateway.url}/v1/artifacts/${digest}`, { method: 'PUT', body: '' });
    const response = await gateway.get(`/v1/artifacts/${digest}`);
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  test('bytes that are not what their digest says are refused', async () => {
    const url = `${gateway.url}/v1/artifacts/${digestOf('one')}`;
    const response = await fetch(url, { method: 'PUT', body: 'two' });
    expect(response.status).toBe(422);
    expect(await problemOf(response)).toMatchObject({ code: 'digest_mismatch' });
    expect((await gateway.get(`/v1/artifacts/${digestOf('one')}`)).status).toBe(404);
  });

  test('a manifest comes byte for byte as it was sealed', async () => {
    const id = 'aaaaaaaaaaaaaaaa-g1-one-a1';
    gateway.standIns.manifests.set(id, '{"b":1,"a":2}');
    const response = await gateway.get(`/v1/runs/${id}/manifest`);
    expect(await response.text()).toBe('{"b":1,"a":2}');
    expect(response.headers.get('etag')).toBe(`"${digestOf('{"b":1,"a":2}')}"`);
  });
});
