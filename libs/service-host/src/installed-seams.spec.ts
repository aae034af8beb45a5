import { MemoryLog, type Projection } from '@writ/event-log';
import { MemoryBus } from '@writ/messaging';
import { parseFailpoints } from './failpoints';
import { failpointsIn, installSeams, noSeams } from './installed-seams';

let said: object[];
const say = (fields: object) => void said.push(fields);
const logger = { warn: say, info: say } as unknown as Parameters<typeof installSeams>[2];
beforeEach(() => {
  said = [];
});

const projection = { name: 'rows', apply: () => Promise.resolve() } as unknown as Projection;

test('without a plan everybody gets the very object that was made, and nobody is warned', () => {
  const seams = installSeams('executor', failpointsIn({}), logger);
  expect(seams).toBe(noSeams);
  const [log, bus, leases] = [new MemoryLog(), new MemoryBus(), { ttlMs: 1 }];
  expect(seams.log(log)).toBe(log);
  expect(seams.bus(bus)).toBe(bus);
  expect(seams.area('lease', leases)).toBe(leases);
  expect(seams.projection(projection)).toBe(projection);
  expect(said).toEqual([]);
});

test('with a plan the log warns, and tells of each point that is met and each action', async () => {
  const plan = parseFailpoints(
    'executor.after.lease.acquire=throw, planner.before.read.head=crash',
  );
  const seams = installSeams('executor', plan, logger);
  const leases = seams.area('lease', { acquire: () => Promise.resolve('yes') });
  await expect(leases.acquire()).rejects.toThrow('a planned failure');
  expect(await leases.acquire()).toBe('yes');
  expect(said).toEqual([
    { failpoints: [plan[0]] },
    { failpoint: 'executor.before.lease.acquire' },
    { failpoint: 'executor.after.lease.acquire' },
    { failpoint: 'executor.after.lease.acquire', hit: 1, action: 'throw' },
  ]);
});

test('a stop lets nothing of the process happen while it lasts', async () => {
  const plan = parseFailpoints('planner.after.apply.rows=stop:50');
  const { apply } = installSeams('planner', plan, logger).projection(projection);
  const began = performance.now();
  let went = false;
  setTimeout(() => (went = true), 1);
  await apply([], undefined as never);
  expect(performance.now() - began).toBeGreaterThanOrEqual(49);
  expect(went).toBe(false);
});

test('a plan that is none is refused with the name of the variable', () => {
  expect(() => failpointsIn({ WRIT_FAILPOINTS: 'executer.after.append.RunEnded=crash' })).toThrow(
    /^WRIT_FAILPOINTS: "executer.*executor\.after\.append\.RunEnded#2=crash/,
  );
});
