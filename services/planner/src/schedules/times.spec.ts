import { DUE_LIMIT, dueTimes, faultOfClockwork, nextTimes } from './times';

const trigger = (cron: string, timezone = 'UTC') => ({ kind: 'cron', cron, timezone }) as const;
const berlin = (cron: string) => trigger(cron, 'Europe/Berlin');
const short = (times: readonly string[]) => times.map((it) => it.slice(5, 16));

describe('the times of an expression', () => {
  it('are those of the clocks in its time zone, also when these are put forward', () => {
    // At 02:00 they showed 03:00; in UTC 01:00.
    const march = (cron: string, count: number) =>
      short(nextTimes(berlin(cron), '2026-03-28T12:00:00Z', count));
    expect(march('0 6 * * *', 2)).toEqual(['03-29T04:00', '03-30T04:00']);
    expect(march('0 3 * * *', 2)).toEqual(['03-29T01:00', '03-30T01:00']);
    // 02:30 was left out: it happens at 03:30.
    expect(march('30 2 * * *', 2)).toEqual(['03-29T01:30', '03-30T00:30']);
  });

  it('come once, the second time, when the clocks are put back', () => {
    // At 03:00 they showed 02:00 again; in UTC 01:00.
    const october = (cron: string, after: string, count: number) =>
      short(nextTimes(berlin(cron), `2026-10-${after}:00Z`, count));
    expect(october('30 2 * * *', '24T12:00', 2)).toEqual(['10-25T01:30', '10-26T01:30']);
    expect(october('0 6 * * *', '24T12:00', 2)).toEqual(['10-25T05:00', '10-26T05:00']);
    expect(october('*/30 * * * *', '24T23:20', 3)).toEqual([
      '10-24T23:30',
      '10-25T01:00',
      '10-25T01:30',
    ]);
  });

  it('are those after a time, to the second', () => {
    expect(nextTimes(trigger('* * * * * *'), '2026-01-01T00:00:00.500Z', 2)).toEqual([
      '2026-01-01T00:00:01.000Z',
      '2026-01-01T00:00:02.000Z',
    ]);
    expect(nextTimes(trigger('@daily'), '2026-01-01T00:00:00Z', 1)).toEqual([
      '2026-01-02T00:00:00.000Z',
    ]);
  });
});

describe('times that are due', () => {
  const noon = '2026-01-02T12:00:00Z';

  it('are those after one time and not after another', () => {
    expect(dueTimes(trigger('0 * * * *'), '2026-01-02T09:00:00Z', noon)).toEqual({
      times: [10, 11, 12].map((hour) => `2026-01-02T${hour}:00:00.000Z`),
    });
    expect(dueTimes(trigger('0 6 * * *'), noon, noon)).toEqual({ times: [] });
  });

  it('are the latest when there are too many, and say when they began', () => {
    const { times, from } = dueTimes(trigger('* * * * *'), '2026-01-01T12:00:00Z', noon);
    expect(times).toHaveLength(DUE_LIMIT);
    expect(times.at(-1)).toBe('2026-01-02T12:00:00.000Z');
    expect(from).toBe('2026-01-01T12:01:00.000Z');
  });

  it('are the latest, however unevenly they come', () => {
    const { times, from } = dueTimes(trigger('* * 3 * * *'), '2025-12-25T00:00:00Z', noon);
    expect(times).toHaveLength(DUE_LIMIT);
    expect(times.at(-1)).toBe('2026-01-02T03:59:59.000Z');
    expect(from).toBe('2025-12-25T03:00:00.000Z');
  });

  it('are found in bounded time after a year in which nobody looked', () => {
    const began = performance.now();
    for (const cron of ['* * * * * *', '0 0 1 1 *', '* 59 23 31 12 *']) {
      const { times } = dueTimes(trigger(cron), '2025-01-01T12:00:00Z', noon);
      expect(times.length).toBeGreaterThan(0);
    }
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

describe('an expression', () => {
  const fault = (cron: string, timezone?: string) =>
    faultOfClockwork(trigger(cron, timezone), '2026-01-01T00:00:00Z');

  it.each(['0 6 * * *', '*/5 0 6 * * MON-FRI', '@hourly', '0 0 L * *'])('%s is one', (cron) => {
    expect(fault(cron)).toBeUndefined();
  });

  it.each([
    ['60 * * * *', 'UTC', '/trigger/cron', 'Invalid value for minute'],
    ['0 0 30 2 *', 'UTC', '/trigger/cron', 'never comes'],
    ['@never', 'UTC', '/trigger/cron', '@never'],
    ['0 6 * * *', 'Europe/Berln', '/trigger/timezone', 'did you mean "Europe/Berlin"?'],
    ['0 6 * * *', 'x', '/trigger/timezone', 'write it as'],
  ])('%s in %s is none: %s %s', (cron, timezone, path, said) => {
    expect(fault(cron, timezone)).toMatchObject({
      path,
      message: expect.stringContaining(said) as string,
    });
  });
});
