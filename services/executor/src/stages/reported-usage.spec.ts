import { exceeds, ReportedUsage } from './reported-usage';

function said(...pieces: string[]) {
  const odd: string[] = [];
  let told = 0;
  const reports = new ReportedUsage({ told: () => (told += 1), odd: (it) => odd.push(it) });
  for (const piece of pieces) reports.take(Buffer.from(piece));
  reports.end();
  return { total: reports.total, odd, told };
}

describe('what a program says that it has used', () => {
  test('adds up over lines, wherever they are cut', () => {
    const { total, odd, told } = said(
      'begin\nUSAGE: {"inputTok',
      'ens":10,"costUsd":0.1}\nno USAGE: {"costUsd":9}\n',
      'USAGE:{"inputTokens":1,"outputTokens":2,"costUsd":0.2}\r\nUSAGE: {"outputTokens":3}',
    );
    expect(total).toEqual({ inputTokens: 11, outputTokens: 5, costUsd: 0.3 });
    expect([odd, told]).toEqual([[], 3]);
  });

  test.each([
    '',
    'x',
    '{}',
    '3',
    '{"costUsd":-1}',
    '{"costUsd":"1"}',
    '{"tokens":1}',
    '{"inputTokens":1.5}',
  ])('is not counted when it is malformed, which is said: %s', (text) => {
    const { total, odd } = said(`USAGE: ${text}\nUSAGE: {"costUsd":1}\n`);
    expect(total?.costUsd).toBe(1);
    expect(odd).toEqual([expect.stringContaining('not counted')]);
  });

  test('is nothing in a line without an end', () => {
    const long = `USAGE: {"costUsd":1,${' '.repeat(5000)}`;
    expect(said(long, '}\n')).toMatchObject({ total: undefined, odd: [expect.any(String)] });
    expect(said('y'.repeat(9000), 'USAGE: {"costUsd":1}\n').total).toBeUndefined();
  });

  test('is more than was reserved in one currency or the other', () => {
    const usage = { inputTokens: 5, outputTokens: 5, costUsd: 1 };
    expect(exceeds(usage, { costUsd: 1, tokens: 10 })).toBe(false);
    expect(exceeds(usage, { costUsd: 0.9 })).toBe(true);
    expect(exceeds(usage, { tokens: 9 })).toBe(true);
    expect(exceeds(usage, undefined)).toBe(false);
  });
});
