/** `writ worker conformance`, as a writer of workers calls it; needs no stack. */
import { resolve } from 'node:path';
import type { ConformanceReport } from '@writ/worker-protocol';
import { writ } from '@writ/testing';

const LIMIT_MS = 120_000;
const python = resolve(__dirname, '../../../../examples/workers/python/worker.py');

it(
  'a worker that stands everything ends it with 0, case by case on stdout',
  async () => {
    const argv = ['worker', 'conformance', '--timeout', '20', '--', 'python3', python];
    const { code, stdout } = await writ(argv);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toMatch(/^✓ does-work: takes work/m);
    expect(stdout).toMatch(/^- keeps-alive: .*\n {4}it needs work that takes some seconds/m);
  },
  LIMIT_MS,
);

it(
  'one that does not ends it with 1, and the report says why',
  async () => {
    const { code, stdout } = await writ(['worker', 'conformance', '--json', '--', 'false']);
    expect(code).toBe(1);
    const { ok, cases } = JSON.parse(stdout) as ConformanceReport;
    expect(ok).toBe(false);
    expect(cases[0]?.message).toBe('the worker does not run: it ended with exit code 1');
  },
  LIMIT_MS,
);

it('without a command it says how it is called', async () => {
  const { code, stderr } = await writ(['worker', 'conformance']);
  expect(code).toBe(2);
  expect(stderr).toContain("missing required argument 'command'");
});
