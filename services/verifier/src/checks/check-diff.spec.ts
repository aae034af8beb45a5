import { Check, type CheckOf } from '@writ/contracts';
import type { FileChange } from '../snapshots/snapshot';
import { checkDiff } from './check-diff';

const change = (path: string, added = 1, removed = 0): FileChange => ({ path, added, removed });
const changes = [change('src/a.ts', 10, 2), change('docs/b.md'), change('.github/ci.yml', 0, 5)];
const look = (more: Partial<CheckOf<'diff'>>, given: FileChange[] | undefined = changes) =>
  checkDiff({ kind: 'diff', ...more }, { changes: given });

test.each([
  [{ maxFiles: 3, maxLines: 18 }, 'passed', '3 files, 18 lines changed'],
  [{ maxFiles: 2 }, 'failed', '3 files changed, 2 at most'],
  [{ maxLines: 17 }, 'failed', '18 lines changed, 17 at most'],
  [{ forbiddenPaths: ['.github/**'] }, 'failed', 'changed, and must not be: .github/ci.yml'],
  [{ forbiddenPaths: ['.github'] }, 'failed', 'changed, and must not be: .github/ci.yml'],
  [{ forbiddenPaths: ['.git', 'src/*.js'] }, 'passed', '3 files, 18 lines changed'],
  [
    { allowedPaths: ['src/**', 'docs'] },
    'failed',
    'changed outside of what is allowed: .github/ci.yml',
  ],
  [{ allowedPaths: ['**'] }, 'passed', '3 files, 18 lines changed'],
  [
    { maxFiles: 0, forbiddenPaths: ['docs/**'] },
    'failed',
    '3 files changed, 0 at most; changed, and must not be: docs/b.md',
  ],
] as const)('%j: %s', async (asked, outcome, message) => {
  expect(await look(asked as Partial<CheckOf<'diff'>>)).toMatchObject({ outcome, message });
});

test('what was changed is the evidence', async () => {
  expect((await look({ maxFiles: 9 })).log).toBe(
    '+10 -2 src/a.ts\n+1 -0 docs/b.md\n+0 -5 .github/ci.yml\n',
  );
});

test('a step that changed nothing is within every limit', async () => {
  expect(await look({ maxFiles: 0, maxLines: 0, allowedPaths: ['x'] }, [])).toMatchObject({
    outcome: 'passed',
  });
});

test('without a commit to compare with it cannot run', async () => {
  const nowhere = checkDiff({ kind: 'diff', maxFiles: 1 }, { changes: undefined });
  await expect(nowhere).rejects.toThrow('it takes a git workspace');
});

test('one that asks for nothing is refused', () => {
  expect(Check.safeParse({ kind: 'diff' }).success).toBe(false);
});
