/** The examples stand what a worker has to stand; workers with one fault each fail by its name. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testNats, type TestNats } from '@writ/testing';
import { conformanceCases, runConformance, type ConformanceReport } from '..';

const root = join(__dirname, '../../../..');
const examples = join(root, 'examples/workers');
const python = join(examples, 'python/worker.py');
const LIMIT_MS = 280_000;

let nats: TestNats;
let folder: string;
beforeAll(async () => {
  nats = await testNats();
  folder = mkdtempSync(join(tmpdir(), 'writ-workers-'));
});
afterAll(async () => {
  await nats?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function conformance(name: string, argv: string[], slowInput?: unknown) {
  const { hostname: host, port } = new URL(nats.url);
  return runConformance({
    ...{ argv, name, slowInput, input: { text: 'two words' }, env: process.env },
    nats: { host, port: Number(port) },
    patienceMs: 20_000,
  });
}

const outcomes = ({ cases }: ConformanceReport) =>
  cases.map(({ name, outcome, message }) => ({ name, outcome, message }));

/** The worker in Python with one thing in it changed. */
function spoilt(name: string, from: string, to: string): string[] {
  const text = readFileSync(python, 'utf8');
  expect(text).toContain(from);
  const file = join(folder, `${name}.py`);
  writeFileSync(file, text.replace(from, to));
  return ['python3', file];
}

const passed = conformanceCases.map(({ name }) => ({ name, outcome: 'passed' }));

test.concurrent.each([
  ['bash', ['bash', join(examples, 'bash/worker.sh')]],
  ['python', ['python3', python]],
  [
    'typescript',
    [process.execPath, join(root, '.config/from-sources.cjs'), 'examples/workers/typescript/worker.ts'],
  ],
])(
  'the example in %s stands everything',
  async (name, argv) => {
    const report = await conformance(name, argv, { seconds: 6 });
    expect({ cases: outcomes(report), stderr: report.stderr }).toMatchObject({ cases: passed });
    expect(report.ok).toBe(true);
  },
  LIMIT_MS,
);
