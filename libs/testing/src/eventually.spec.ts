import { eventually } from './eventually';

describe('eventually', () => {
  const soon = { what: 'the cows', timeoutMs: 200, every: 1 };

  test('returns what the check finds once it finds something', async () => {
    let looks = 0;
    const found = await eventually(() => (++looks < 3 ? null : 'cows'), soon);
    expect([found, looks]).toEqual(['cows', 3]);
  });

  test('a check of expectations ends when they hold', async () => {
    let looks = 0;
    await eventually(async () => expect(++looks).toBe(3), soon);
    expect(looks).toBe(3);
  });

  test('its error says what was awaited and what was seen last', async () => {
    const throwing = eventually(() => {
      throw new Error('the gate is shut');
    }, soon);
    await expect(throwing).rejects.toThrow(/the cows after 200 ms; last: the gate is shut/);
    await expect(eventually(() => 0, soon)).rejects.toThrow('last: it was 0');
  });

  test('a check that hangs does not outlive the limit', async () => {
    await expect(eventually(() => new Promise(() => {}), soon)).rejects.toThrow('the cows');
  });
});
