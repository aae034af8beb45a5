import { DirectiveFile, type Adapter } from '@writ/contracts';
import { examinePlan } from './examine-plan';
import { defaultChain } from './planning-default';

const adapter: Adapter = { kind: 'program', argv: ['my-agent'] };

function directive(planner: object): DirectiveFile {
  const file = DirectiveFile.parse({
    ...{ title: 't', goal: 'g', planner: { kind: 'default' } },
    requirements: ['R1', 'R2'].map((id) => ({ id, description: 'd' })),
    acceptanceCriteria: ['A1', 'A2'].map((id) => ({ id, criterion: 'c' })),
  });
  return { ...file, planner: { ...file.planner, ...planner } };
}

describe('the default chain', () => {
  it('researches, implements and tests, and covers every requirement and criterion', () => {
    const { steps, issues, sound, strategy } = examinePlan(directive({ adapter }));
    expect(strategy).toBe('default');
    expect(steps.map(({ name, type, dependsOn }) => [name, type, ...dependsOn])).toEqual([
      ['research', 'research'],
      ['implement', 'implement', 'research'],
      ['test', 'test', 'research', 'implement'],
    ]);
    expect(steps.every((step) => step.adapter.kind === 'program')).toBe(true);
    expect(new Set(steps.flatMap((step) => step.requirementIds))).toEqual(new Set(['R1', 'R2']));
    expect(steps.at(-1)?.acceptanceCriteriaIds).toEqual(['A1', 'A2']);
    expect(sound).toBe(true);
    // Nothing of it stands in the file, so nothing is said of a place in it.
    expect(issues.every(({ path }) => path === '/planner')).toBe(true);
  });

  it('is none without an adapter, and says what to write', () => {
    const chain = defaultChain(directive({}));
    expect(chain).toMatchObject({ issues: [{ code: 'no_adapter', path: '/planner' }] });
    expect('issues' in chain && chain.issues[0]?.message).toContain('adapter: { kind: program');
    expect(examinePlan(directive({}))).toMatchObject({ sound: false, steps: [] });
  });

  it('seed defect 25: follows from the directive, is the same each time, and is checked like any', () => {
    expect(defaultChain(directive({ adapter }))).toEqual(defaultChain(directive({ adapter })));
    const twice = directive({ adapter });
    const requirements = [...twice.requirements, { id: 'R1', description: 'again' }];
    expect(examinePlan({ ...twice, requirements })).toMatchObject({
      ...{ strategy: 'default', sound: false, issues: [{ code: 'duplicate_id' }] },
    });
  });
});
