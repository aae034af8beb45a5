/**
 * A directive and its chain as lines of text. Pure: the same document at the same time gives the same
 * lines. Everything that a program or an agent wrote is made plain first.
 */
import { type DirectiveDocument, plainLine, signOf, type StepDocument } from '@writ/contracts';

import { evidenceTable } from './evidence-view';
import { clip, duration, type Style, table } from './style';

export interface ChainViewOptions {
  readonly now: number;
  readonly columns: number;
  /** Lines at most; with more steps the ones that are done are summed up. */
  readonly rows: number;
  readonly style: Style;
  /** Last line that a run said, by run id. */
  readonly lastLines?: ReadonlyMap<string, string>;
}

const STATUS_WIDTH = 10;
const busy = new Set(['running', 'evaluating', 'merging']);
const done = new Set(['passed', 'failed', 'blocked', 'cancelled']);

export function chainView(directive: DirectiveDocument, options: ChainViewOptions): string[] {
  const { columns, rows, style } = options;
  const shown = chooseSteps(inOrder(directive.steps), Math.max(3, rows - 4));
  // The state is worth more than the end of a name.
  const statusWidth = Math.max(STATUS_WIDTH, ...shown.steps.map(({ status }) => status.length));
  const room = Math.max(8, Math.min(40, columns - statusWidth - 6));
  const nameWidth = Math.min(room, Math.max(4, ...shown.steps.map(({ name }) => name.length)));
  const lines = shown.steps.map((step) =>
    stepLine(step, { name: nameWidth, status: statusWidth }, options),
  );
  return [
    style.bold(clip(plainLine(directive.title), columns)),
    ...lines,
    ...(shown.left === '' ? [] : [style.dim(clip(`  ${shown.left}`, columns))]),
    progressLine(directive, options),
  ];
}

function stepLine(
  step: StepDocument,
  width: { readonly name: number; readonly status: number },
  options: ChainViewOptions,
): string {
  const { columns, style, now, lastLines } = options;
  const took = step.startedAt === null ? '' : duration(elapsed(step, now));
  const name = clip(step.name, width.name).padEnd(width.name);
  const word = wordOf(step.status).padEnd(width.status);
  const head = `  ${signOf(step.status)} ${name}  ${word}`;
  const said = step.runId === null ? undefined : lastLines?.get(step.runId);
  const note =
    step.reason !== undefined ? step.reason : busy.has(step.status) ? (said ?? '') : skipped(step);
  const tail = clip(`  ${took.padEnd(9)}  ${plainLine(note)}`.trimEnd(), columns - head.length - 1);
  return style.status(step.status, clip(head, columns)) + style.dim(tail);
}

const wordOf = (status: string) => status.replaceAll('_', ' ');

function skipped(step: StepDocument): string {
  return step.runStatus === 'skipped' ? 'taken from the cache: nothing changed' : '';
}

function progressLine(
  directive: DirectiveDocument,
  { now, style, columns }: ChainViewOptions,
): string {
  const { steps, status, startedAt, completedAt } = directive;
  const passed = steps.filter((step) => step.status === 'passed').length;
  const failed = steps.filter(({ status: it }) => it === 'failed' || it === 'blocked').length;
  const end = completedAt === null ? now : Date.parse(completedAt);
  const parts = [
    `${passed} of ${steps.length} steps passed`,
    ...(failed === 0 ? [] : [`${failed} failed or blocked`]),
    ...(startedAt === null ? [] : [duration(end - Date.parse(startedAt))]),
    ...(directive.costUsd === 0 ? [] : [`$${directive.costUsd.toFixed(2)}`]),
    ...(directive.reason === undefined ? [] : [plainLine(directive.reason)]),
  ];
  return style.status(status, clip(`${signOf(status)} ${status}: ${parts.join(', ')}`, columns));
}

function elapsed({ startedAt, completedAt }: StepDocument, now: number): number {
  return (completedAt === null ? now : Date.parse(completedAt)) - Date.parse(startedAt!);
}

/** What waits for something stands below it; otherwise as in the chain. */
export function inOrder(steps: readonly StepDocument[]): StepDocument[] {
  const layer = new Map<string, number>();
  const byName = new Map(steps.map((step) => [step.name, step]));
  const depthOf = (name: string, path: number): number => {
    const known = layer.get(name);
    if (known !== undefined || path > steps.length) return known ?? 0;
    const above = (byName.get(name)?.dependsOn ?? []).map((it) => depthOf(it, path + 1) + 1);
    const depth = above.reduce((a, b) => Math.max(a, b), 0);
    layer.set(name, depth);
    return depth;
  };
  return steps
    .map((step, at) => ({ step, at, depth: depthOf(step.name, 0) }))
    .sort((a, b) => a.depth - b.depth || a.at - b.at)
    .map(({ step }) => step);
}

/** All when they fit; otherwise those that work or failed, then what comes next. */
function chooseSteps(steps: StepDocument[], room: number): { steps: StepDocument[]; left: string } {
  if (steps.length <= room) return { steps, left: '' };
  const urgency = ({ status }: StepDocument) =>
    busy.has(status) ? 0 : status === 'failed' ? 1 : done.has(status) ? 3 : 2;
  const chosen = new Set(
    [...steps].sort((a, b) => urgency(a) - urgency(b)).slice(0, Math.max(1, room - 1)),
  );
  const counts = new Map<string, number>();
  for (const step of steps) {
    if (!chosen.has(step)) counts.set(step.status, (counts.get(step.status) ?? 0) + 1);
  }
  const left = [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
  return { steps: steps.filter((step) => chosen.has(step)), left: `… and ${left}` };
}

/** Everything about it, for `writ show`. */
export function directiveView(directive: DirectiveDocument, style: Style, now: number): string[] {
  const options = { now, columns: 200, rows: Infinity, style };
  return [...chainView(directive, options), '', ...directiveDetails(directive)];
}

/** What the chain does not show: where the work is, its runs, its criteria. */
export function directiveDetails(directive: DirectiveDocument): string[] {
  const { workspace, criteria } = directive;
  const facts = [
    ['id', directive.id],
    ['goal', plainLine(directive.goal)],
    ['created', directive.createdAt],
    ...(workspace.branch === null ? [] : [['branch', workspace.branch]]),
    ...(workspace.commit === null ? [] : [['commit', workspace.commit]]),
  ];
  const runs = directive.steps.flatMap(({ name, runId, confidence, artifacts }) => {
    if (runId === null) return [];
    const level = confidence === null ? '' : confidence.level;
    const paths = artifacts.map(({ path }) => path);
    const made =
      paths.slice(0, 4).join(', ') + (paths.length > 4 ? `, and ${paths.length - 4} more` : '');
    return [[name, runId, level, plainLine(made)]];
  });
  return [
    ...table(facts),
    ...(runs.length === 0 ? [] : ['', ...table([['step', 'run', 'checks', 'made'], ...runs])]),
    ...spaced(evidenceTable(directive)),
    ...spaced(criteria.map(criterionLine)),
  ];
}

const spaced = (lines: readonly string[]) => (lines.length === 0 ? [] : ['', ...lines]);

function criterionLine({ id, met, evidence }: DirectiveDocument['criteria'][number]): string {
  const said = met === null ? 'nothing speaks for or against it' : met ? 'met' : 'not met';
  const by = evidence.map(({ step, checks }) =>
    checks === undefined ? step : `${step}: ${checks.map((it) => plainLine(it)).join(', ')}`,
  );
  const shown = [...new Set(by)].join('; ');
  return `criterion ${id}: ${said}${shown === '' ? '' : ` (${shown})`}`;
}
