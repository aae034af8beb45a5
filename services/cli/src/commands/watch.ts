import { asCliError, EXIT } from '../cli-error';
import { Gateway } from '../gateway-client';
import { isLive, Output, usesColour } from '../output';
import type { CommonOptions } from '../program';
import { directiveDetails, directiveView } from '../view/chain-view';
import { styleFor } from '../view/style';
import { interruption, outcomeOf, watchDirective } from '../watch-directive';
import type { DirectiveDocument } from '@writ/contracts';

export async function watch(id: string, options: CommonOptions): Promise<number> {
  const output = new Output(options);
  const { signal, release } = interruption();
  try {
    const directive = await watchDirective(Gateway.find(), id, { ...options, output, signal });
    printEnd(directive, output);
    return outcomeOf(directive);
  } catch (error) {
    if (asCliError(error).exitCode !== EXIT.interrupted) throw error;
    output.talk(`\nleft; ${id} goes on. Come back with: writ watch ${id}`);
    return EXIT.interrupted;
  } finally {
    release();
  }
}

/** A chain that was drawn on the same screen a moment ago is not drawn again. */
export function printEnd(directive: DirectiveDocument, output: Output): void {
  if (output.json) {
    output.value(directive);
    return;
  }
  const drawn = isLive(process.stderr) && process.stdout.isTTY;
  const style = styleFor(usesColour(process.stdout));
  const lines = drawn
    ? ['', ...directiveDetails(directive)]
    : directiveView(directive, style, Date.now());
  output.data(lines.join('\n'));
}
