/**
 * Goes through the log in its order, and brings what is asked and decided about approvals before the
 * rules. Several planners do the same; what one has noted the others find noted.
 *
 * F1 Where it begins follows from the rules themselves: no rule has noted anything behind it. A planner
 *    that died over an approval is made up for by whoever comes next, itself too.
 * F2 A rule that turns up takes the place back to where it stands: to note something twice notes it
 *    once, so going back is free.
 * F3 An approval that cannot be attended to does not stand in the way of the others.
 * F4 While there is no rule nothing but the end of the log is read.
 * F5 The rules are read after the end of the log is known, and nothing behind that end is attended to:
 *    so every promotion before an event is known when it is attended to.
 */
import { Unavailable, VersionConflict, type RecordedEvent } from '@writ/contracts';
import type { Rule } from '@writ/domain';
import { answerRequest, liveRules, noteResolution } from './attend-approvals';
import type { Rules } from './rules';

const PAGE = 500;
const TYPES = ['ApprovalRequested', 'ApprovalResolved'];

/** One pass; call it again and again. `touched` are names that the read model may not have yet. */
export function createFollower(deps: Rules, touched: Set<string>): () => Promise<void> {
  const { log, logger } = deps.planner;
  const known = new Set<string>();
  let upTo: number | undefined;

  /** F1, F2 */
  async function meet(names: readonly string[], head: number): Promise<void> {
    const strangers = names.filter((name) => !known.has(name));
    const rules = await liveRules(deps, strangers);
    upTo = Math.min(upTo ?? head, ...rules.map((rule) => rule.upTo));
    for (const { name } of rules) known.add(name);
  }

  async function attend(event: RecordedEvent, rules: readonly Rule[]): Promise<void> {
    try {
      if (event.type === 'ApprovalRequested') await answerRequest(deps, rules, event);
      else await noteResolution(deps, rules, event);
    } catch (error) {
      if (error instanceof Unavailable || error instanceof VersionConflict) throw error;
      const about = { err: error, stream: event.stream, position: event.position };
      logger.error(about, 'an approval cannot be brought before the rules'); // F3
    }
  }

  /** F5 */
  async function goOn(from: number, head: number): Promise<number> {
    const some = { limit: PAGE, streamPrefixes: ['directive-'], types: TYPES };
    const page = await log.readAll({ after: from, ...some });
    const events = page.filter(({ position }) => position <= head);
    const rules = events.length === 0 ? [] : await liveRules(deps, known);
    for (const event of events) {
      await attend(event, rules);
      upTo = event.position;
    }
    return events.length < PAGE ? head : (upTo ?? head);
  }

  return async () => {
    const asked = [...touched];
    const { position: head } = await log.head();
    await meet([...new Set([...(await deps.rows.live()), ...asked])], head);
    for (const name of asked) touched.delete(name);
    if (known.size === 0) upTo = head; // F4
    while (upTo !== undefined && upTo < head) upTo = await goOn(upTo, head);
  };
}
