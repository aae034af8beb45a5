import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadSecrets } from './secrets';
import { stackHome } from './stack-home';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'writ-secrets-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function home(name: string) {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  return stackHome(path);
}

const shared = { DATABASE_URL: 'postgres://admin:of%20all@db.example/one' };

test('a stack with a server of its own makes them up, and keeps them for its owner alone', () => {
  const first = loadSecrets(home('a'), {});
  expect(loadSecrets(home('a'), {})).toEqual(first);
  expect(loadSecrets(home('b'), {}).passwords).not.toEqual(first.passwords);
  expect(statSync(home('a').secretsFile).mode & 0o777).toBe(0o600);
});

test('stacks on one server of others have the same passwords, whichever database they use', () => {
  const one = loadSecrets(home('a'), shared).passwords;
  const other = { DATABASE_URL: 'postgres://admin:of%20all@127.0.0.1/two' };
  expect(loadSecrets(home('b'), other).passwords).toEqual(one);
  expect(new Set(Object.values(one)).size).toBe(4);
  const apart = { DATABASE_URL: 'postgres://admin@db.example/one', PGPASSWORD: 'of all' };
  expect(loadSecrets(home('c'), apart).passwords).toEqual(one);
  const stranger = { DATABASE_URL: 'postgres://admin:another@db.example/one' };
  expect(loadSecrets(home('d'), stranger).passwords['planner']).not.toBe(one['planner']);
});

test('a password that somebody names is the one', () => {
  const env = { ...shared, WRIT_PLANNER_PASSWORD: 'named' };
  const { passwords } = loadSecrets(home('a'), env);
  expect(passwords).toMatchObject({ planner: 'named' });
  expect(passwords['executor']).toBe(loadSecrets(home('b'), shared).passwords['executor']);
});
