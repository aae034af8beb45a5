/** Going back to before a step: shown first, done when asked. */
import type { RollbackAdvisory } from '@writ/contracts';

import { directivePath } from '../api-path';
import { Gateway } from '../gateway-client';
import { Output } from '../output';
import type { CommonOptions } from '../program';
import type { Accepted } from '../submit-directive';

interface RollbackOptions extends CommonOptions {
  readonly advisoryOnly: boolean;
  readonly reason?: string;
  readonly key?: string;
}

/** Prints what going back to before a step means, and tells the directive to unless only that is asked. */
export async function rollback(id: string, step: string, options: RollbackOptions): Promise<void> {
  const output = new Output(options);
  const gateway = Gateway.find();
  const path = `${directivePath(id)}/rollback-advisory?step=${encodeURIComponent(step)}`;
  const advisory = await gateway.get<RollbackAdvisory>(path);
  if (options.advisoryOnly) {
    if (output.json) output.value(advisory);
    else output.data(advisory.markdown.trimEnd());
    return;
  }
  const { reason, key } = options;
  const body = { verb: 'rollback', step, ...(reason === undefined ? {} : { reason }) };
  const accepted = await gateway.post<Accepted>(`${directivePath(id)}/commands`, body, key);
  const { commandId, position } = accepted;
  const { steps, from, to } = advisory.plan;
  const names = steps.map((it) => it.step);
  if (output.json) {
    return output.value({ directiveId: id, commandId, position, steps: names, from, to });
  }
  output.data(advisory.markdown.trimEnd());
  output.talk(`${names.join(', ')} go back; go on with: writ resume ${id}`);
}
