import { backoffMs, placeOf, reasonOf, troubleOf } from './postgres-trouble';

describe('troubleOf', () => {
  it.each([
    ['broken', 'ECONNRESET'],
    ['broken', 'ECONNREFUSED'],
    ['broken', undefined], // pg's own: «Connection terminated», «Query read timeout»
    ['broken', '57P01'], // the server is shutting down
    ['broken', '57P03'], // and starting up
    ['broken', '08006'],
    ['broken', '25P03'], // idle in transaction for too long
    ['broken', '25006'], // a standby
    ['transient', '55P03'],
    ['transient', '40001'],
    ['transient', '40P01'],
    ['transient', '57014'],
    ['transient', '53100'], // the disk is full
    ['transient', '53300'], // too many connections
    ['transient', '28P01'], // the password was changed
    ['transient', '3D000'], // the database is being restored
    ['refused', '23505'],
    ['refused', '22P05'],
    ['refused', '42501'],
    ['refused', '42883'],
    ['refused', 'XX000'],
  ])('is %s for %s', (trouble, code) => {
    expect(troubleOf(Object.assign(new Error('it'), { code }))).toBe(trouble);
  });

  it('is broken for what is no error at all', () => {
    for (const thrown of [undefined, null, 'text', 7]) expect(troubleOf(thrown)).toBe('broken');
  });
});

describe('messages', () => {
  it('have a reason even where the error has none', () => {
    expect(reasonOf(new Error('it broke'))).toBe('it broke');
    const several = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
    expect(reasonOf(several)).toBe('ECONNREFUSED');
    expect(reasonOf('text')).toBe('text');
    expect(reasonOf(undefined)).toBe('undefined');
  });

  it('name the database without its password', () => {
    expect(placeOf('postgres://me:secret@db:5432/writ?x=1')).toBe('db:5432/writ');
    expect(placeOf('secret')).not.toContain('secret');
  });
});

describe('backoffMs', () => {
  it('grows, is bounded, and is never the same for two', () => {
    for (let attempt = 1; attempt < 60; attempt += 1) {
      const full = Math.min(1_000, 20 * 2 ** attempt);
      const delays = Array.from({ length: 20 }, () => backoffMs(attempt, 20, 1_000));
      expect(Math.min(...delays)).toBeGreaterThanOrEqual(full / 2);
      expect(Math.max(...delays)).toBeLessThanOrEqual(full);
      expect(new Set(delays).size).toBeGreaterThan(1);
    }
  });
});
