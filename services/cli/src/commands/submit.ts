import { checkDirectiveFile, isWarning, plainLine } from '@writ/contracts';
import { examinePlan } from '@writ/domain';

import type { ReadDirective } from '../directive-file/read-directive-file';
import { Gateway } from '../gateway-client';
import { Output } from '../output';
import type { CommonOptions } from '../program';
import { readForSubmit, submitDirective } from '../submit-directive';

interface SubmitCommandOptions extends CommonOptions {
  readonly var: string[];
  readonly start: boolean;
  readonly key?: string;
}

/** More of them are a matter for "writ plan". */
const MOST_TOLD = 5;

/** What is probably not meant so; it is submitted all the same. */
function tellWarnings(file: string, { directive, place }: ReadDirective, output: Output): void {
  const checked = checkDirectiveFile(directive);
  if (output.json || 'issues' in checked) return;
  const warnings = examinePlan(checked.directive).issues.filter(isWarning);
  for (const { place: at, code, message } of place(warnings.slice(0, MOST_TOLD))) {
    output.talk(`warning: ${at} ${code} ${plainLine(message, 500)}`);
  }
  if (warnings.length <= MOST_TOLD) return;
  output.talk(`and ${warnings.length - MOST_TOLD} more warnings; see them with: writ plan ${file}`);
}

export async function submit(file: string, options: SubmitCommandOptions): Promise<void> {
  const output = new Output(options);
  // What is wrong with the file is told first; that no stack runs is the smaller trouble.
  const read = readForSubmit(file, options.var, !process.env['WRIT_URL']);
  tellWarnings(file, read, output);
  const gateway = Gateway.find((text) => output.talk(text));
  const accepted = await submitDirective(gateway, file, read, options);
  const { directiveId, commandId, position } = accepted;
  if (output.json) output.value({ directiveId, commandId, position });
  else {
    output.data(directiveId);
    output.talk(`submitted; follow it with: writ watch ${directiveId}`);
  }
}
