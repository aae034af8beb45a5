/** How a directive that is submitted comes to its first chain: with it, from a rule, or later. */
import { nearest, type DirectiveFile, type IssueCode } from '@writ/contracts';
import { IssueList } from './issue-list';
import { planExplicit, replaceVariables, type Plan } from './planning';
import { defaultChain } from './planning-default';

/** Kinds of planner that a directive may name here. */
export const plannerKinds = ['explicit', 'default', 'agent'] as const;

export function planFor(written: DirectiveFile): Plan {
  const { kind } = written.planner;
  if (kind === 'explicit') return planExplicit(written);
  if (written.chain !== undefined && isThere(kind)) {
    return wrong('chain_not_used', '/chain', `the planner "${kind}" makes the chain; leave it out`);
  }
  switch (kind) {
    case 'default': {
      const chain = defaultChain(written);
      if ('issues' in chain) return chain;
      return planExplicit({ ...written, chain: { steps: [...chain.steps] } });
    }
    case 'agent':
      return planLater(written);
    default: {
      const near = nearest(kind, plannerKinds) ?? 'explicit';
      return wrong(
        'not_available',
        '/planner/kind',
        `planner "${kind}" is not available; use "${near}"`,
      );
    }
  }
}

function planLater(written: DirectiveFile): Plan {
  const { adapter } = written.planner;
  if (adapter !== undefined && !canPlan(adapter.kind)) {
    const message = `an adapter "${adapter.kind}" cannot plan; use program or worker, or none and submit the plan`;
    return wrong('cannot_plan', '/planner/adapter', message);
  }
  const issues = new IssueList();
  const directive = replaceVariables(written, issues);
  return issues.found.length > 0 ? { issues: issues.found } : { directive, steps: [] };
}

const isThere = (kind: string): boolean => (plannerKinds as readonly string[]).includes(kind);
const canPlan = (kind: string): boolean => ['program', 'worker'].includes(kind);

const wrong = (code: IssueCode, path: string, message: string): Plan => ({
  issues: [{ code, message, path }],
});
