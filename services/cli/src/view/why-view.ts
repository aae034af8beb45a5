/** Causes as lines of text, each with the command that changes it. */
import { plainLine, signOf, type Why } from '@writ/contracts';

import { instant, type Style } from './style';

export function whyView({ id, state, because }: Why, style: Style): string[] {
  const head = `${signOf(state)} ${plainLine(id, 200)} ${state.replaceAll('_', ' ')}`;
  return [
    style.status(state, head),
    ...because.flatMap(({ text, since, unblock }) => [
      `  ${plainLine(text, 700)}${since === null ? '' : style.dim(`  since ${instant(since)}`)}`,
      ...(unblock === null ? [] : [style.bold(`    ${plainLine(unblock, 400)}`)]),
    ]),
  ];
}
