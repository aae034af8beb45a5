import type { PlanDocument } from '@writ/contracts';
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CliUnderTest } from '../cli-under-test';

const cli = CliUnderTest.forEach();

const directive = (...steps: string[]) =>
  `title: T\ngoal: G\nrequirements: [{ id: R1, description: d }]\nchain:\n  steps:\n${steps
    .map((step) => `    - { ${step}, adapter: { kind: echo } }\n`)
    .join('')}`;
const sound = directive(
  'name: one, requirementIds: [R1], verify: none',
  'name: two, dependsOn: [one]',
);
const broken = directive('name: one, requirementIds: [R1]', 'name: two, dependsOn: [on]');

describe('plan, with no stack', () => {
  beforeEach(() => {
    delete process.env['WRIT_URL'];
    process.env['WRIT_HOME'] = mkdtempSync(join(tmpdir(), 'writ-no-stack-'));
  });

  test('shows steps, coverage and warnings of the file alone, writes nothing, and ends with 0', async () => {
    const { code, stdout, stderr } = await cli.writ('plan', cli.write(sound), '--json');
    expect([code, stderr]).toEqual([0, '']);
    const plan = JSON.parse(stdout) as PlanDocument;
    expect(plan).toMatchObject({
      strategy: 'explicit',
      steps: [
        { name: 'one', layer: 0, position: { x: 0 } },
        { name: 'two', layer: 1 },
      ],
      coverage: [{ requirementId: 'R1', steps: ['one'] }],
      issues: [{ code: 'step_without_check', severity: 'warning', path: '/chain/steps/1' }],
      forecast: null,
      noForecast: expect.stringContaining('no stack is running') as string,
    });
    expect(readdirSync(process.env['WRIT_HOME']!)).toEqual([]);
    expect(cli.gateway.asked).toEqual([]);
  });

  test('seed defect 17: with an unknown dependency it ends with 1 and names it, on stderr its code', async () => {
    const file = cli.write(broken);
    const shown = await cli.writ('plan', file);
    expect(shown.code).toBe(1);
    expect(shown.stdout).toContain(`error ${file}:7:32 unknown_dependency`);
    expect(shown.stdout).toContain('did you mean "one"?');
    expect(shown.stderr).toContain('(unknown_dependency)');
    const said = await cli.writ('plan', file, '--json');
    expect(JSON.parse(said.stdout)).toMatchObject({ steps: [{ name: 'one' }, { name: 'two' }] });
    expect(JSON.parse(said.stderr)).toMatchObject({
      error: { code: 'invalid_plan', details: { issues: [{ code: 'unknown_dependency' }] } },
    });
  });

  test('shows what is wrong with the form of a file in the same way', async () => {
    const { code, stdout } = await cli.writ('plan', cli.write('title: T\ngaol: G\n'), '--json');
    expect(code).toBe(1);
    const { issues, steps } = JSON.parse(stdout) as PlanDocument;
    expect(steps).toEqual([]);
    expect(issues.map(({ code: it }) => it).sort()).toEqual(['missing', 'unknown_key']);
  });

  test('tells of a variable that the file does not declare', async () => {
    const { code, stdout } = await cli.writ('plan', cli.write(sound), '--var', 'since=now');
    expect([code, stdout.includes('unknown_variable')]).toEqual([1, true]);
  });

  test('looks at the workspace, which is on this machine', async () => {
    const text = `${sound}workspace: { kind: git, repository: ./nowhere }\n`;
    const { code, stdout } = await cli.writ('plan', cli.write(text));
    expect(code).toBe(1);
    expect(stdout).toContain('repository_missing');
  });
});

describe('plan, with a stack', () => {
  const estimate = (p50: number, p90: number) => ({ p50, p90 });
  const forecast = {
    ...{ basis: 'step', runs: 50, durationMs: estimate(1_000, 2_000) },
    ...{ costUsd: estimate(0.1, 0.3), cacheHit: { probability: 0, basis: 'bundle' } },
  };

  test('asks the planner, and shows layers and what they take', async () => {
    const step = { type: 'implement', adapter: { kind: 'shell' }, dependsOn: [] };
    cli.gateway.on('POST /v1/plan', {
      strategy: 'explicit',
      steps: [
        { ...step, name: 'one', layer: 0, forecast },
        { ...step, name: 'two', layer: 1, dependsOn: ['one'] },
      ],
      issues: [{ code: 'cost_over_limit', severity: 'warning', message: 'm', path: '/title' }],
      coverage: [{ requirementId: 'R1', steps: ['one'] }],
      criteria: [{ criterionId: 'AC1', steps: [] }],
      forecast: {
        ...{ durationMs: estimate(3_000, 65_000), costUsd: estimate(0.1, 0.3) },
        ...{ cacheHits: 1, unknownSteps: ['two'] },
      },
    });
    const file = cli.write(sound);
    const shown = await cli.writ('plan', file);
    expect([shown.code, shown.stdout.split('\n')]).toEqual([
      0,
      [
        '2 steps in 2 layers, planner explicit',
        'layer 0',
        '  one  implement  shell  1.0 s (9 of 10 times below 2.0 s), $0.10 (9 of 10 times below $0.30), by its 50 runs',
        'layer 1',
        '  two  implement  shell                                                                                        after one',
        '',
        'covered by',
        '  requirement R1  one',
        '  criterion AC1   nothing',
        '',
        'issues',
        `  warning ${file}:1:1 cost_over_limit m`,
        '',
        'forecast: 3.0 s (9 of 10 times below 1 min 05 s), $0.10 (9 of 10 times below $0.30), 1 of 2 steps from the cache',
        '  not counted, nothing is known of: two',
        '',
      ],
    ]);
    expect(JSON.parse(cli.gateway.asked.at(-1)!.body)).toMatchObject({ directive: { title: 'T' } });
  });
});

describe('submit', () => {
  test('tells warnings on stderr and submits all the same; with --json it is silent', async () => {
    const accepted = { directiveId: 'a'.repeat(16), commandId: 'c', position: 3, version: 2 };
    cli.gateway.on('POST /v1/directives', accepted);
    const file = cli.write(sound);
    const told = await cli.writ('submit', file);
    expect(told.code).toBe(0);
    expect(told.stderr).toContain(`warning: ${file}:7:7 step_without_check`);
    expect((await cli.writ('submit', file, '--json')).stderr).toBe('');
    const many = directive(
      'name: s0, requirementIds: [R1]',
      ...Array.from({ length: 6 }, (_, at) => `name: s${at + 1}`),
    );
    const { stderr } = await cli.writ('submit', cli.write(many));
    expect(stderr.match(/warning:/g)).toHaveLength(5);
    expect(stderr).toContain('and 2 more warnings');
  });
});
