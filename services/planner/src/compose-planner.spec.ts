import { openMemoryStore } from '@writ/content-store';
import { MemoryLog } from '@writ/event-log';
import { MemoryBus } from '@writ/messaging';
import { createLogger, createRegistry, metricsOf } from '@writ/observability';
import { composePlanner } from './compose-planner';

it('looks for what is due when the list has what stood in the log at the start, not before', async () => {
  const bus = new MemoryBus();
  const seen: string[] = [];
  let upToNow: () => void = () => undefined;
  let looked: () => void = () => undefined;
  const firstLook = new Promise<void>((resolve) => (looked = resolve));
  const asked = new Promise<void>((isAsked) => {
    const { begin, stop } = composePlanner({
      ...{
        log: new MemoryLog(),
        bus,
        content: openMemoryStore(),
        reconcileMs: 1,
        unattendedMs: 1_000,
      },
      logger: createLogger({ service: 'planner', instance: 'test', level: 'silent' }),
      metrics: metricsOf(createRegistry('planner', 'test'), 'planner', 'reconciler'),
      rowsUpToNow: () => {
        isAsked();
        return new Promise((resolve) => (upToNow = resolve));
      },
      decisions: { page: () => Promise.resolve([]), ofRuns: () => Promise.resolve([]) },
      approvals: {
        list: () => Promise.resolve([]),
        countPending: () => Promise.resolve({ count: 0, oldestSeconds: 0 }),
      },
      rows: {
        list: () => Promise.resolve([]),
        now: () => Promise.resolve(''),
        unfinished: () => {
          seen.push('looked');
          looked();
          return Promise.resolve({ ids: [], now: new Date(0).toISOString() });
        },
        countByStatus: () => Promise.resolve([]),
      },
      rebuild: () => Promise.reject(new Error('not asked for here')),
    });
    begin();
    void firstLook.then(stop);
  });
  await asked;
  seen.push('up to now');
  upToNow();
  await firstLook;
  expect(seen.slice(0, 2)).toEqual(['up to now', 'looked']);
  await bus.drain(0);
});
