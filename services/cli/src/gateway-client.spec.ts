import { Gateway } from './gateway-client';

test('a feed ends with its signal, also when the connection does not hear of it', async () => {
  const encoder = new TextEncoder();
  let cancelled = false;
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(encoder.encode('id: 1\ndata: {}\n\n')),
    cancel: () => void (cancelled = true),
  });
  const fetched = jest.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(body));
  const controller = new AbortController();
  const heard: unknown[] = [];
  try {
    const gateway = new Gateway({ url: 'http://127.0.0.1:1', token: undefined });
    for await (const event of gateway.events('/v1/events', controller.signal)) {
      heard.push(event);
      controller.abort();
    }
  } finally {
    fetched.mockRestore();
  }
  expect(heard).toEqual([{ id: '1', event: 'message', data: '{}' }]);
  expect(cancelled).toBe(true);
}, 5_000);
