import type { DirectiveDocument, EvidenceDocument, StepDocument } from '@writ/contracts';

import { evidenceTable } from './evidence-view';

const found = (check: string, over: Partial<EvidenceDocument> = {}): EvidenceDocument => ({
  ...{ check, kind: 'program', outcome: 'passed', criteria: [], runId: 'r' },
  ...over,
});
const step = (name: string, evidence: EvidenceDocument[]) =>
  ({ name, status: 'awaiting_approval', evidence }) as unknown as StepDocument;
const directive = (requirements: [string, string[]][], steps: StepDocument[]) =>
  ({
    requirements: requirements.map(([id, names]) => ({
      ...{ id, description: 'd' },
      steps: names.map((name) => ({ name, status: 'passed' })),
    })),
    steps,
  }) as unknown as DirectiveDocument;

test('each requirement leads to its steps, their checks, and the criteria that these speak for', () => {
  const steps = [
    step('build', [
      found('npm run build', { criteria: ['AC1', 'AC2'] }),
      found('npm run test', { outcome: 'error' }),
    ]),
    step('docs', []),
    step('extra', [found('files a', { outcome: 'failed' })]),
    step('silent', []),
  ];
  const shown = evidenceTable(
    directive(
      [
        ['R1', ['build', 'docs']],
        ['R2', []],
      ],
      steps,
    ),
  );
  expect(shown).toEqual([
    'requirement  step   status             check          outcome        criteria',
    'R1           build  awaiting approval  npm run build  passed         AC1, AC2',
    '                                       npm run test   could not run',
    'R1           docs   awaiting approval  -',
    'R2           -      no step',
    '-            extra  awaiting approval  files a        failed',
  ]);
});

test('without requirements and checks there is no table', () => {
  expect(evidenceTable(directive([], [step('a', [])]))).toEqual([]);
  expect(evidenceTable({ steps: [] } as unknown as DirectiveDocument)).toEqual([]);
});

test('what a check is called cannot leave its line', () => {
  const shown = evidenceTable(directive([], [step('a', [found('x\n\x1b[2Jy')])]));
  expect(shown).toHaveLength(2);
  expect(shown.join('')).not.toMatch(/[\x00-\x1f]/);
});
