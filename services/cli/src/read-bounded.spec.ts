import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { CliError } from './cli-error';
import { readBounded } from './read-bounded';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'writ-read-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (bytes: number) => {
  const path = join(folder, 'file');
  writeFileSync(path, Buffer.alloc(bytes, 'x'));
  return path;
};
const refused = (code: string, exitCode: number) =>
  expect.objectContaining<Partial<CliError>>({ code, exitCode });

test('a file is read whole, up to its limit', () => {
  expect(readBounded(file(0), 10, 'letter')).toHaveLength(0);
  expect(readBounded(file(200_000), 200_000, 'letter')).toHaveLength(200_000);
  expect(() => readBounded(file(200_001), 200_000, 'letter')).toThrow(refused('too_large', 2));
});

test('what never ends is read no further than the limit', () => {
  expect(() => readBounded('/dev/zero', 100_000, 'letter')).toThrow(refused('too_large', 2));
});

test('a pipe is read like a file', () => {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const writer = `require('fs').writeFileSync(${JSON.stringify(path)}, 'said')`;
  spawn(process.execPath, ['-e', writer], { stdio: 'ignore' });
  expect(readBounded(path, 100, 'letter').toString()).toBe('said');
});

test('a folder, and what is not there, are told', () => {
  expect(() => readBounded(folder, 10, 'letter')).toThrow(refused('usage', 2));
  expect(() => readBounded(join(folder, 'none'), 10, 'letter')).toThrow(refused('file_missing', 3));
});
