import { uuidV7 } from './uuid-v7';

describe('uuidV7', () => {
  const ids = Array.from({ length: 20_000 }, () => uuidV7());

  it('has the form of a version 7 UUID', () => {
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  it('never gives one twice, and always a later one', () => {
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
  });

  it('begins with the time', () => {
    const ms = parseInt(ids[0]!.replace('-', '').slice(0, 12), 16);
    expect(Math.abs(Date.now() - ms)).toBeLessThan(60_000);
  });
});
