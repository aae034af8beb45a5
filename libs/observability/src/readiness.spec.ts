import { Readiness } from './readiness';

test('a check that does not answer within the limit says no', async () => {
  const readiness = new Readiness({ database: () => new Promise(() => undefined) }, 10);
  expect(await readiness.report()).toEqual({
    status: 'not ready',
    notReady: ['database'],
    checks: { database: { ok: false, detail: 'no answer within 10 ms' } },
  });
});

test('a check that throws at once says no, and does not keep the others from answering', async () => {
  const readiness = new Readiness({
    bus: () => {
      throw new Error('closed');
    },
  });
  readiness.add('database', () => undefined);
  expect((await readiness.report()).checks).toEqual({
    bus: { ok: false, detail: 'closed' },
    database: { ok: true, detail: 'ok' },
  });
});
