import { DirectiveFile } from '@writ/contracts';
import { findCycle, planExplicit } from './planning';

const echo = { kind: 'echo' };

function issuesOf(more: Record<string, unknown>): string[] {
  const plan = planExplicit(DirectiveFile.parse({ title: 't', goal: 'g', ...more }));
  return 'issues' in plan ? plan.issues.map((it) => `${it.code} ${it.path}`) : [];
}

const chain = (...steps: Record<string, unknown>[]) => ({
  chain: { steps: steps.map((step) => ({ adapter: echo, ...step })) },
});

describe('an explicit plan', () => {
  it('is taken when names, dependencies and ids are sound', () => {
    expect(issuesOf(chain({ name: 'a' }, { name: 'b', dependsOn: ['a'] }))).toEqual([]);
  });

  it.each([
    ['no chain', {}, ['no_chain /chain']],
    ['a name twice', chain({ name: 'a' }, { name: 'a' }), ['duplicate_step /chain/steps/1/name']],
    [
      'a dependency on itself',
      chain({ name: 'a', dependsOn: ['a'] }),
      ['self_dependency /chain/steps/0/dependsOn/0'],
    ],
    [
      'an unknown dependency',
      chain({ name: 'a', dependsOn: ['z'] }),
      ['unknown_dependency /chain/steps/0/dependsOn/0'],
    ],
    [
      'a cycle',
      chain({ name: 'a', dependsOn: ['b'] }, { name: 'b', dependsOn: ['a'] }),
      ['cycle /chain/steps/0/dependsOn'],
    ],
    [
      'an unknown requirement',
      chain({ name: 'a', requirementIds: ['R1'] }),
      ['unknown_id /chain/steps/0/requirementIds/0'],
    ],
    [
      'a requirement that no step works on',
      { ...chain({ name: 'a' }), requirements: [{ id: 'R1', description: 'd' }] },
      ['requirement_not_covered /requirements/0'],
    ],
    [
      'an id twice',
      {
        ...chain({ name: 'a', acceptanceCriteriaIds: ['A'] }),
        acceptanceCriteria: [
          { id: 'A', criterion: 'c' },
          { id: 'A', criterion: 'c' },
        ],
      },
      ['duplicate_id /acceptanceCriteria/1/id'],
    ],
    [
      'an unknown variable',
      chain({ name: 'a', description: '${nope}' }),
      ['unknown_variable /chain/steps/0/description'],
    ],
    [
      'a variable with a name that the executor fills in',
      { ...chain({ name: 'a' }), variables: { inputs: 'x' } },
      ['reserved_variable /variables/inputs'],
    ],
    [
      'a variable that leads out of the workspace',
      { ...chain({ name: 'a', outputs: ['${dir}/x'] }), variables: { dir: '..' } },
      ['invalid_value /chain/steps/0/outputs/0'],
    ],
  ])('is refused for %s', (_, directive, expected) => {
    expect(issuesOf(directive)).toEqual(expected);
  });

  it('suggests the name that was probably meant', () => {
    const plan = planExplicit(
      DirectiveFile.parse({
        title: 't',
        goal: 'g',
        ...chain({ name: 'collect' }, { name: 'b', dependsOn: ['colect'] }),
      }),
    );
    expect('issues' in plan && plan.issues[0]?.message).toContain('did you mean "collect"?');
  });

  it('replaces variables once, in strings only, and leaves escapes and runtime names', () => {
    const plan = planExplicit(
      DirectiveFile.parse({
        title: 'For ${who}',
        goal: 'g',
        variables: { who: '${who} and $${x}' },
        chain: {
          steps: [
            {
              name: 'a',
              adapter: { kind: 'program', argv: ['${who}', '$${literal}', '${inputs}/x', '$HOME'] },
            },
          ],
        },
      }),
    );
    if ('issues' in plan) throw new Error(JSON.stringify(plan.issues));
    expect(plan.directive.title).toBe('For ${who} and $${x}');
    expect(plan.steps[0]?.adapter).toMatchObject({
      argv: ['${who} and $${x}', '${literal}', '${inputs}/x', '$HOME'],
    });
  });

  it('finds a cycle in a chain of thousands without exhausting the stack', () => {
    const steps = Array.from({ length: 20_000 }, (_, at) => ({
      name: `s${at}`,
      dependsOn: [`s${(at + 1) % 20_000}`],
    }));
    expect(findCycle(steps)).toHaveLength(20_001);
    expect(findCycle(steps.slice(0, -1))).toBeUndefined();
  });
});
