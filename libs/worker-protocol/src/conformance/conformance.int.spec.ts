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

function conformance(name: string, argv: string[], slowInput?: unknown, patienceMs = 10_000) {
  const { hostname: host, port } = new URL(nats.url);
  return runConformance({
    ...{ argv, name, slowInput, input: { text: 'two words' }, env: process.env },
    nats: { host, port: Number(port) },
    patienceMs,
  });
}

const outcomes = ({ cases }: ConformanceReport) =>
  cases.map(({ name, outcome, message }) => ({ name, outcome, message }));

/** The worker in Python with one thing in it changed. */
function spoilt(name: string, from: string, to: string, before = ''): string[] {
  const text = readFileSync(python, 'utf8');
  expect(text).toContain(from);
  const file = join(folder, `${name}.py`);
  writeFileSync(file, text.replace('def connect', `${before}def connect`).replace(from, to));
  return ['python3', file];
}

const passed = conformanceCases.map(({ name }) => ({ name, outcome: 'passed' }));

test.concurrent.each([
  ['bash', ['bash', join(examples, 'bash/worker.sh')]],
  ['python', ['python3', python]],
  [
    'typescript',
    [
      process.execPath,
      join(root, '.config/from-sources.cjs'),
      'examples/workers/typescript/worker.ts',
    ],
  ],
])(
  'the example in %s stands everything',
  async (name, argv) => {
    const report = await conformance(name, argv, { seconds: 6 }, 20_000);
    expect({ cases: outcomes(report), stderr: report.stderr }).toMatchObject({ cases: passed });
    expect(report.ok).toBe(true);
  },
  LIMIT_MS,
);

test.concurrent.each([
  ['other-protocol', 'work["protocol"] == 1 and say(', 'say('],
  ['slow-answer', 'say(work, 20, kind="result"', 'say(work, 1, kind="result"'],
  ['refused-result', 'if "ok" in answer:', 'if answer.get("ok"):'],
  ['delivered-twice', 'mine and carry_out(work)', 'carry_out(work)'],
  ['unknown-members', '**json.loads(message[2])', '**known(json.loads(message[2]))'],
])(
  'a worker that does not stand %s fails by that name',
  async (name, from, to) => {
    const known = 'def known(work):\n    return {} if "priority" in work else work\n\n';
    const argv = spoilt(name, from, to, known);
    const report = await conformance(`spoilt-${name}`, argv);
    const failed = report.cases.filter(({ outcome }) => outcome === 'failed');
    expect(report.ok).toBe(false);
    expect(failed.map((it) => it.name)).toContain(name);
    const skipped = report.cases.filter(({ outcome }) => outcome === 'skipped');
    expect(skipped.map((it) => it.name)).toEqual(['keeps-alive', 'stops-when-cancelled']);
  },
  LIMIT_MS,
);

test(
  'a worker that does not run is told',
  async () => {
    const report = await conformance('nobody', [process.execPath, '-e', 'process.exit(3)']);
    const said = report.cases.map(({ message }) => message);
    expect(said).toContain('the worker does not run: it ended with exit code 3');
    expect(report.ok).toBe(false);
  },
  LIMIT_MS,
);
