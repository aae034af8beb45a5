import { Readable } from 'node:stream';
import { standBy } from './standby';

const lines = (...text: string[]) => Readable.from(text);

it('does not touch the input unless it is asked to wait', async () => {
  const input = lines('{"A":"1"}\n');
  const env = {};
  expect(await standBy(env, input)).toBe(true);
  expect([env, input.readableDidRead]).toEqual([{}, false]);
});

it('waits for one line, and begins with the variables in it', async () => {
  const env = { WRIT_STANDBY: '1', A: 'before', B: 'stays' };
  expect(await standBy(env, lines('{"A":"af', 'ter"}\n'))).toBe(true);
  expect(env).toMatchObject({ A: 'after', B: 'stays' });
});

it('does not begin when the input ends with nothing said', async () => {
  expect(await standBy({ WRIT_STANDBY: '1' }, lines())).toBe(false);
});

it('refuses what is no set of variables', async () => {
  const env = { WRIT_STANDBY: '1' };
  await expect(standBy(env, lines('{"A":1}\n'))).rejects.toThrow();
  await expect(standBy({ WRIT_STANDBY: 'yes' }, lines())).rejects.toThrow('WRIT_STANDBY');
});
