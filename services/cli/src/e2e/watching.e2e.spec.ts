/** What dashboards and alerts name is there to be scraped, and readiness means what it says. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  deployedTexts,
  eventually,
  metricsNamedIn,
  metricsServedIn,
  namesWithoutMetric,
  TestStack,
} from '@writ/testing';

let stack: TestStack;

beforeAll(async () => {
  stack = await TestStack.start();
}, 120_000);

afterAll(() => stack?.stop(), 60_000);

async function urls(): Promise<string[]> {
  const { processes } = await stack.file();
  return Object.values(processes).flatMap(({ httpUrl }) => httpUrl ?? []);
}

async function scrapeAll(): Promise<string> {
  const answers = await Promise.all((await urls()).map((url) => fetch(`${url}/metrics`)));
  return (await Promise.all(answers.map((answer) => answer.text()))).join('\n');
}

/** The value of a series, all services together. */
function sumOf(exposition: string, name: string, labels: string): number {
  const lines = exposition.split('\n').filter((line) => line.startsWith(`${name}{`));
  const own = lines.filter((line) => line.includes(labels));
  return own.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

describe('the metrics of a live stack', () => {
  it('serve every name that a dashboard or an alert uses', async () => {
    const served = metricsServedIn(await scrapeAll());
    for (const [file, text] of deployedTexts()) {
      expect({ file, missing: namesWithoutMetric(metricsNamedIn(text), served) }).toEqual({
        file,
        missing: [],
      });
    }
  });

  it('count what happened, in each service that it went through', async () => {
    const file = join(stack.home, 'counted.json');
    const verify = [{ kind: 'files', paths: ['out.txt'] }];
    const adapter = { kind: 'program', argv: ['echo', 'counted'], stdoutTo: 'out.txt' };
    const steps = [{ name: 'one', adapter, outputs: ['out.txt'], verify }];
    writeFileSync(file, JSON.stringify({ title: 't', goal: 'g', chain: { steps } }));
    expect((await stack.writ(['run', file])).code).toBe(0);
    await eventually(
      async () => {
        const all = await scrapeAll();
        expect(sumOf(all, 'writ_directives_ended_total', 'outcome="completed"')).toBe(1);
        expect(sumOf(all, 'writ_steps_total', 'outcome="passed"')).toBe(1);
        expect(sumOf(all, 'writ_step_attempts_total', 'outcome="success"')).toBe(1);
        expect(sumOf(all, 'writ_evaluations_total', 'level="green"')).toBe(1);
        expect(sumOf(all, 'writ_manifests_sealed_total', 'subject="run"')).toBe(1);
        expect(sumOf(all, 'writ_directives', 'state="completed"')).toBe(1);
      },
      { what: 'the counters to show one directive' },
    );
  }, 60_000);

  it('have few series: labels are bounded', async () => {
    for (const url of await urls()) {
      const text = await (await fetch(`${url}/metrics`)).text();
      expect(text.split('\n').filter((line) => /^[a-z]/.test(line)).length).toBeLessThan(2_000);
    }
  });
});

describe('readiness', () => {
  it('names what is missing while NATS is away, and comes back with it', async () => {
    const { processes } = await stack.file();
    const ready = `${processes['planner']?.httpUrl}/readyz`;
    expect((await fetch(ready)).status).toBe(200);
    process.kill(processes['nats']?.pid ?? 0, 'SIGSTOP');
    try {
      await eventually(async () => (await fetch(ready)).status === 503, {
        what: 'the planner to notice that NATS does not answer',
        timeoutMs: 60_000,
        every: 200,
      });
    } finally {
      process.kill(processes['nats']?.pid ?? 0, 'SIGCONT');
    }
    await eventually(async () => (await fetch(ready)).status === 200, {
      what: 'the planner to be ready again',
      timeoutMs: 60_000,
      every: 200,
    });
  }, 150_000);
});
