/** Orders that change what a directive asks for, or how far it may go. */
import { canonicalJson, type Amendments, type LimitChanges, type Refusal } from '@writ/contracts';
import type { DirectiveOrder } from './directive-command';
import type { Draft } from './directive-draft';
import { goOn, goOnIfFree } from './life-orders';
import { advance } from './directive-advance';

type Order<V> = Extract<DirectiveOrder, { type: V }>;

export function amend(draft: Draft, { changes: set, reason }: Order<'amend'>): Refusal | void {
  const changes = differences(draft.state.spec, set);
  if (changes.length === 0) {
    const said = Object.keys(set).join(', ') || 'goal, requirements, limits or other members';
    return { refused: 'malformed', message: `nothing would change: name another value of ${said}` };
  }
  draft.emit({ type: 'DirectiveAmended', data: { set, changes, ...(reason && { reason }) } });
  goOnIfFree(draft);
}

/** Limits only go up this way, so that whoever may do no more than this cannot tighten them. */
export function raiseLimit(draft: Draft, order: Order<'raise-limit'>): Refusal | void {
  const { limits: raised, reason } = order;
  const { limits } = draft.state.spec;
  const lower = (Object.keys(raised) as (keyof LimitChanges)[]).find((name) => {
    const [now, then] = [limits[name], raised[name]];
    return typeof then === 'number' && typeof now === 'number' && then <= now;
  });
  if (lower !== undefined) {
    const message = `${lower} is ${JSON.stringify(limits[lower])} already; raise-limit names more, amend sets any`;
    return { refused: 'malformed', message, details: { limit: lower, now: limits[lower] } };
  }
  draft.emit({ type: 'LimitsRaised', data: { limits: raised, ...(reason && { reason }) } });
  const { suspension } = draft.state;
  if (suspension?.kind === 'time' && raised.maxWallTimeMinutes !== undefined) return goOn(draft);
  if (suspension === null) return advance(draft);
  goOnIfFree(draft);
}

interface Difference {
  path: string;
  from: unknown;
  to: unknown;
}

/** What would be another value, by JSON pointer; limits one by one. */
function differences(spec: Draft['state']['spec'], { limits, ...set }: Amendments): Difference[] {
  const now: Record<string, unknown> = { ...spec };
  const pairs: Difference[] = Object.entries(set).map(([name, to]) => ({
    ...{ path: `/${name}`, from: now[name] ?? null, to },
  }));
  for (const [name, to] of Object.entries(limits ?? {})) {
    const from = (spec.limits as Record<string, unknown>)[name] ?? null;
    pairs.push({ path: `/limits/${name}`, from, to });
  }
  return pairs.filter(({ from, to }) => canonicalJson(from) !== canonicalJson(to));
}
