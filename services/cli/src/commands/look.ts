import { type DirectiveDocument, type DirectiveSummary, plainLine, signOf } from '@writ/contracts';

import { directivePath } from '../api-path';
import { Gateway } from '../gateway-client';
import { Output, usesColour } from '../output';
import type { CommonOptions } from '../program';
import { directiveView } from '../view/chain-view';
import { instant, styleFor, table } from '../view/style';

interface ListOptions extends CommonOptions {
  readonly status?: string;
  readonly limit?: number;
  readonly after?: string;
}

export async function list(options: ListOptions): Promise<void> {
  const output = new Output(options);
  const { status, limit, after } = options;
  const query = new URLSearchParams();
  if (status !== undefined) query.set('status', status);
  if (limit !== undefined) query.set('limit', String(limit));
  if (after !== undefined) query.set('after', after);
  const directives = await Gateway.find().get<DirectiveSummary[]>(`/v1/directives?${query}`);
  if (output.json) {
    output.value(directives);
    return;
  }
  if (directives.length === 0) {
    output.talk('no directive; submit one with: writ submit FILE');
    return;
  }
  const style = styleFor(usesColour(process.stdout));
  const rows = directives.map(({ id, title, status: state, createdAt }) => [
    style.status(state, `${signOf(state)} ${state}`),
    id,
    instant(createdAt),
    plainLine(title, 80),
  ]);
  output.data(table(rows).join('\n'));
}

interface ShowOptions extends CommonOptions {
  /** As it was then. */
  readonly at?: string;
}

export async function show(id: string, options: ShowOptions): Promise<void> {
  const output = new Output(options);
  const { at } = options;
  const then = at === undefined ? '' : `/state?${new URLSearchParams({ at })}`;
  const directive = await Gateway.find().get<DirectiveDocument>(directivePath(id) + then);
  if (output.json) output.value(directive);
  else {
    const style = styleFor(usesColour(process.stdout));
    output.data(directiveView(directive, style, Date.now()).join('\n'));
  }
}
