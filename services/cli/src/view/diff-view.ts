/** Where two directives part, as lines of text. */
import { type DirectiveDiff, type DivergingEvent, plainLine } from '@writ/contracts';

import { clip, instant, type Style, table } from './style';

const VALUE_COLUMNS = 60;

export function diffView(diff: DirectiveDiff, style: Style): string[] {
  const { a, b, spec, first, steps } = diff;
  const sides = [a, b].map(({ id, title, status, position }, at) => [
    at === 0 ? 'a' : 'b',
    id,
    style.status(status, status),
    `at ${position}`,
    plainLine(title, 80),
  ]);
  if (spec.length === 0 && first === null && steps.length === 0) {
    return [...table(sides), '', 'nothing differs'];
  }
  const members = spec.map(({ path, ...it }) => [
    `  ${plainLine(path, 100)}`,
    said(it.a),
    said(it.b),
  ]);
  const differing = steps.map(({ step, differs, a: one, b: other }) => [
    `  ${step}`,
    one === null ? 'only in b' : other === null ? 'only in a' : differs.join(', '),
    one === null || other === null ? '' : `${one.status} / ${other.status}`,
  ]);
  return [
    ...table(sides),
    ...section('what was asked for', table(members), style),
    ...(first === null ? [] : section('they part', parting(first), style)),
    ...section('steps that differ', table(differing), style),
  ];
}

const section = (title: string, lines: readonly string[], style: Style): string[] =>
  lines.length === 0 ? [] : ['', style.bold(title), ...lines];

const said = (value: unknown): string =>
  value === undefined ? '-' : clip(plainLine(JSON.stringify(value), 500), VALUE_COLUMNS);

function parting({ step, alike, differs, a, b }: NonNullable<DirectiveDiff['first']>): string[] {
  const where = step === null ? 'the directive as a whole' : `step ${step}`;
  return [
    `  ${where}, after ${alike} ${alike === 1 ? 'event' : 'events'} alike`,
    `  a  ${happened(a)}`,
    `  b  ${happened(b)}`,
    ...(differs.length === 0 ? [] : [`  in ${plainLine(differs.join(', '), 400)}`]),
  ];
}

function happened(event: DivergingEvent | null): string {
  if (event === null) return 'nothing more happened';
  const { text, position, at, actor } = event;
  return `${plainLine(text, 400)} (${position}, ${instant(at)}, by ${plainLine(actor.id, 100)})`;
}
