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
      ['path_outside_workspace /chain/steps/0/outputs/0'],
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

  it('checks again what a variable has changed', () => {
    const chainOfOne = chain({ name: 'a' });
    const variables = { long: 'x'.repeat(3000), nothing: '', nul: 'a\0b' };
    expect(issuesOf({ ...chainOfOne, variables, title: '${long}' })).toEqual([
      'out_of_range /title',
    ]);
    const workspace = { kind: 'directory', path: '${nothing}' };
    expect(issuesOf({ ...chainOfOne, variables, workspace })).toEqual([
      'out_of_range /workspace/path',
    ]);
    expect(issuesOf({ ...chainOfOne, variables, goal: '${nul}' })).toEqual(['invalid_value /goal']);
  });

  it('refuses variables that stand for gigabytes, before they are one', () => {
    const variables = { big: 'x'.repeat(100_000) };
    const argv = Array.from({ length: 1000 }, () => '${big}'.repeat(100));
    const adapter = { kind: 'program', argv };
    expect(issuesOf({ ...chain({ name: 'a', adapter }), variables })).toEqual([
      'too_large /chain/steps/0/adapter/argv/0',
    ]);
  });

  it.each([
    ['a$${b', 'a${b'],
    ['$$${b}', '$${b}'],
    ['$${who}${who}$${', '${who}me${'],
    ['${who', '${who'],
    ['${who $${b', '${who ${b'],
    ['}${who}}', '}me}'],
    ['$who {who} $ {who}', '$who {who} $ {who}'],
    ['${inputs}/${who}', '${inputs}/me'],
  ])('makes of %s: %s', (description, expected) => {
    const written = { title: 't', goal: 'g', ...chain({ name: 'a', description }) };
    const plan = planExplicit(DirectiveFile.parse({ ...written, variables: { who: 'me' } }));
    expect('steps' in plan && plan.steps[0]?.description).toBe(expected);
  });

  it('takes no longer for a text full of what looks like a variable', () => {
    const adapter = { kind: 'program', argv: ['cat'], stdin: '${'.repeat(500_000) };
    const started = performance.now();
    expect(issuesOf(chain({ name: 'a', adapter }))).toEqual([]);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('names the place of a variable by a JSON pointer, whatever the keys above it are', () => {
    const verify = [{ kind: 'json-schema', path: 'x', schema: { 'a/b~c': '${nope}' } }];
    expect(issuesOf(chain({ name: 'a', verify }))).toEqual([
      'unknown_variable /chain/steps/0/verify/0/schema/a~1b~0c',
    ]);
  });

  it('stops at a hundred issues, and works for no more', () => {
    const names = Array.from({ length: 300 }, (_, at) => `step-number-${at}`);
    const dependsOn = names.map((name) => `${name}x`);
    const started = performance.now();
    expect(issuesOf(chain(...names.map((name) => ({ name, dependsOn }))))).toHaveLength(100);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('is refused for two inputs at one place, or one within another', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const inputs = (...names: string[]) => names.map((name) => ({ name, digest }));
    expect(issuesOf(chain({ name: 'a', inputs: inputs('x', 'y/x', './x') }))).toEqual([
      'duplicate_input /chain/steps/0/inputs/0',
    ]);
    expect(issuesOf(chain({ name: 'a', inputs: inputs('x/y', 'x') }))).toEqual([
      'duplicate_input /chain/steps/0/inputs/0',
    ]);
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
