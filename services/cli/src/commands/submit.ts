import { Gateway } from '../gateway-client';
import { Output } from '../output';
import type { CommonOptions } from '../program';
import { readForSubmit, submitDirective } from '../submit-directive';

interface SubmitCommandOptions extends CommonOptions {
  readonly var: string[];
  readonly start: boolean;
  readonly key?: string;
}

export async function submit(file: string, options: SubmitCommandOptions): Promise<void> {
  const output = new Output(options);
  // What is wrong with the file is told first; that no stack runs is the smaller trouble.
  const read = readForSubmit(file, options.var, !process.env['WRIT_URL']);
  const gateway = Gateway.find((text) => output.talk(text));
  const accepted = await submitDirective(gateway, file, read, options);
  const { directiveId, commandId, position } = accepted;
  if (output.json) output.value({ directiveId, commandId, position });
  else {
    output.data(directiveId);
    output.talk(`submitted; follow it with: writ watch ${directiveId}`);
  }
}
