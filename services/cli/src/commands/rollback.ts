import type { RollbackAdvisory } from '@writ/contracts';

import { directivePath } from '../api-path';
import { CliError } from '../cli-error';
import { Gateway } from '../gateway-client';
import { Output } from '../output';
import type { CommonOptions } from '../program';

interface RollbackOptions extends CommonOptions {
  readonly advisoryOnly: boolean;
}

/** Prints what going back to before a step would mean. */
export async function rollback(id: string, step: string, options: RollbackOptions): Promise<void> {
  if (!options.advisoryOnly) {
    const message =
      'only the advisory can be had in this version; --advisory-only prints it, with the commands ' +
      'to go back by hand';
    throw new CliError('not_available', message);
  }
  const output = new Output(options);
  const path = `${directivePath(id)}/rollback-advisory?step=${encodeURIComponent(step)}`;
  const advisory = await Gateway.find().get<RollbackAdvisory>(path);
  if (output.json) output.value(advisory);
  else output.data(advisory.markdown.trimEnd());
}
