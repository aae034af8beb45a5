import { readConfig } from './config';

const complete = {
  DATABASE_URL: 'postgres://postgres:secret@127.0.0.1:5432/writ',
  WRIT_PLANNER_PASSWORD: 'p',
  WRIT_EXECUTOR_PASSWORD: 'e',
  WRIT_VERIFIER_PASSWORD: 'v',
  WRIT_MANIFEST_PASSWORD: 'm',
};

describe('the environment of the migrator', () => {
  it('is read', () => {
    expect(readConfig(complete)).toEqual({
      adminUrl: complete.DATABASE_URL,
      passwords: { planner: 'p', executor: 'e', verifier: 'v', manifest: 'm' },
    });
  });

  it('is refused with everything that is missing, at once', () => {
    expect(() => readConfig({})).toThrow(
      /DATABASE_URL.*WRIT_PLANNER_P.*WRIT_EXECUTOR_P.*WRIT_VERIFIER_P.*WRIT_MANIFEST_PASSWORD/s,
    );
  });

  it.each(['', 'writ', 'http://127.0.0.1/writ', '127.0.0.1:5432'])(
    'takes no %j for a database',
    (url) => {
      expect(() => readConfig({ ...complete, DATABASE_URL: url })).toThrow(/DATABASE_URL/);
    },
  );

  it('shows no password in its message', () => {
    const bad = { ...complete, DATABASE_URL: 'mysql://root:geheim@db' };
    let message = '';
    try {
      readConfig(bad);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain('DATABASE_URL');
    expect(message).not.toContain('geheim');
  });
});
