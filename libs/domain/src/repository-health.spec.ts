import { repositoryHealth, type HealthFacts } from './repository-health';

const file = (path: string, more: object = {}) => ({
  ...{ path, isNew: false, isBinary: false, added: ['x'], removed: 0 },
  ...more,
});
const healthOf = (facts: Partial<HealthFacts>) =>
  repositoryHealth({ checks: [], files: [], ...facts });
const pointOf = (name: string, facts: Partial<HealthFacts>) =>
  healthOf(facts).points.find((it) => it.name === name);

describe('the health of what was changed', () => {
  it('is whole when every check passed, tests came along and nothing is strange', () => {
    const checks = [{ outcome: 'passed' as const }];
    const files = [file('src/a.ts'), file('src/a.spec.ts')];
    expect(healthOf({ checks, files }).score).toBe(100);
  });

  it.each([
    ['checks', { checks: [{ outcome: 'passed' }, { outcome: 'error' }] }, 20],
    ['size', { files: [file('a', { removed: 1_099 })] }, 8],
    ['size', { files: [file('a', { removed: 9_999 })] }, 0],
    ['tests', { files: [file('src/a.ts')] }, 0],
    ['tests', { files: [file('src/a.py'), file('tests/test_a.py')] }, 15],
    ['to-do and debug marks', { files: [file('a.ts', { added: [`// TO${'DO'}: later`] })] }, 5],
    ['to-do and debug marks', { files: [file('a.ts', { added: ['console.log(1)'] })] }, 5],
    ['to-do and debug marks', { files: [file('a.ts', { added: ['const todo = 1;'] })] }, 10],
    ['large files', { files: [file('a', { bytes: 2_000_000 })] }, 0],
    ['new binary files', { files: [file('a', { isBinary: true, isNew: true })] }, 0],
    ['new binary files', { files: [file('a', { isBinary: true })] }, 10],
    ['lock files without their manifest', { files: [file('app/package-lock.json')] }, 0],
    [
      'lock files without their manifest',
      { files: [file('app/yarn.lock'), file('app/package.json')] },
      10,
    ],
    [
      'lock files without their manifest',
      { files: [file('app/yarn.lock'), file('package.json')] },
      0,
    ],
  ])('gives for %s of %j %i points', (name, facts, points) => {
    expect(pointOf(name, facts as Partial<HealthFacts>)?.points).toBe(points);
  });

  it('asks neither for checks that nobody wants nor for tests of a text', () => {
    const { points, score } = healthOf({ files: [file('README.md')] });
    expect(points.map(({ name }) => name)).not.toContain('checks');
    expect(points.map(({ name }) => name)).not.toContain('tests');
    expect(score).toBe(100);
  });
});
