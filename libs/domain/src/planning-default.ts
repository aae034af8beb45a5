/**
 * The chain that is taken when nobody writes one: research, implement, test. Owns what is in it; that
 * it is sound is looked at like with any other (`planning.ts`).
 */
import { StepSpec, type DirectiveFile, type Issue, type PlannedStep } from '@writ/contracts';
import { IssueList } from './issue-list';

const CURE =
  'name under "planner" the adapter that carries out each of its steps, such as adapter: { kind: program, argv: [my-agent] }; it finds the name of the step in WRIT_STEP';

/**
 * Every requirement is worked on by the first two steps, every criterion is shown by the last. The
 * steps have the adapter of the planner; without one there is nothing to carry them out with.
 */
export function defaultChain(
  directive: Pick<DirectiveFile, 'planner' | 'requirements' | 'acceptanceCriteria'>,
): { steps: readonly PlannedStep[] } | { issues: readonly Issue[] } {
  const { adapter } = directive.planner;
  if (adapter === undefined) {
    const issues = new IssueList();
    issues.add('no_adapter', '/planner', () => `the default chain has no adapter; ${CURE}`);
    return { issues: issues.found };
  }
  const requirementIds = directive.requirements.map(({ id }) => id);
  const acceptanceCriteriaIds = directive.acceptanceCriteria.map(({ id }) => id);
  const step = (written: Pick<PlannedStep, 'name' | 'description'> & Partial<PlannedStep>) =>
    StepSpec.parse({ adapter, type: written.name, ...written });
  return {
    steps: [
      step({
        name: 'research',
        description: 'Find out what has to be known before anything is changed.',
        requirementIds,
        // What it finds is judged by what is made of it.
        verify: 'none',
      }),
      step({
        name: 'implement',
        description: 'Make what the requirements ask for.',
        dependsOn: ['research'],
        requirementIds,
      }),
      step({
        name: 'test',
        description: 'Show for each acceptance criterion whether it is met.',
        dependsOn: ['research', 'implement'],
        acceptanceCriteriaIds,
      }),
    ],
  };
}
