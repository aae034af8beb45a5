/**
 * ROLLBACK.md: what the steps that go back have done, what nobody can take back, and the commands to
 * undo it by hand. A text for people; what is decided is in `plan-rollback.ts`. Names and paths in it
 * were chosen by programs, so they stand in code spans and quotes that they cannot leave.
 */
import { plainLine, type RollbackPlan, type RollbackStep, type RunEnded } from '@writ/contracts';
import type { Directive } from './directive-state';

export type AdvisedDirective = Pick<
  Directive,
  'id' | 'spec' | 'status' | 'workspace' | 'generation'
>;

/** `runs`: of each step that goes back all that ended, the oldest first. */
export function rollbackAdvisory(
  directive: AdvisedDirective,
  plan: RollbackPlan,
  runs: ReadonlyMap<string, readonly RunEnded[]>,
): string {
  const { id, spec, status, generation } = directive;
  const count = plan.steps.length === 1 ? 'One step goes' : `${plan.steps.length} steps go`;
  return [
    `# Rollback to before ${code(plan.step)}`,
    '',
    `Directive ${code(id)}, "${words(spec.title)}", is ${status}, generation ${generation}. ` +
      `${count} back. Nothing has been done yet.`,
    '',
    ...branchLines(directive, plan),
    '## Steps that go back',
    '',
    '| step | because | status | run | commit |',
    '|---|---|---|---|---|',
    ...plan.steps.map((it) => `| ${rowOf(it).join(' | ')} |`),
    '',
    '## What they have done',
    '',
    ...plan.steps.flatMap(({ step }) => doneLines(step, runs.get(step) ?? [])),
    '## What nobody can take back',
    '',
    ...irreversibleLines(plan),
    '',
    '## By hand',
    '',
    ...byHand(directive, plan),
    '',
  ].join('\n');
}

function branchLines({ spec, workspace }: AdvisedDirective, { from, to }: RollbackPlan): string[] {
  if (spec.workspace.kind === 'none') {
    return ['It has no workspace: what steps made is in the record and stays there.', ''];
  }
  const place = code(workspace?.path ?? '');
  if (spec.workspace.kind === 'directory') {
    return [`It works in the folder ${place}, which no rollback changes.`, ''];
  }
  const branch = `The branch ${code(workspace?.branch ?? '')} of ${place}`;
  if (from === to) return [`${branch} stays at ${code(from ?? '')}.`, ''];
  return [`${branch} goes from ${code(from ?? '')} to ${code(to ?? '')}.`, ''];
}

const reasons: Readonly<Record<RollbackStep['because'], (through: string) => string>> = {
  asked: () => 'it was asked for',
  depends_on: (through) => `it needs ${through}`,
  merged_after: (through) => `it was merged after ${through}`,
  begun_on_it: (through) => `it is under way, perhaps from what ${through} left`,
};

function rowOf({ step, status, because, through, runId, commit }: RollbackStep): string[] {
  const why = reasons[because](through === null ? '' : code(through));
  return [code(step), why, status, runId === null ? '' : code(runId), commit ? code(commit) : ''];
}

const MOST_FILES = 100;

function doneLines(step: string, runs: readonly RunEnded[]): string[] {
  const told = runs.flatMap((run) => {
    const files = run.artifacts.map(({ path, bytes }) => `  - ${code(path)} (${bytes} bytes)`);
    const deleted = (run.deleted ?? []).map((path) => `  - ${code(path)}, removed`);
    const all = [...files, ...deleted];
    const more = all.length - MOST_FILES;
    const cached = run.source === undefined ? '' : `, handed out from ${code(run.source.runId)}`;
    const commit = run.commit === undefined ? '' : `, its changes are ${code(run.commit)}`;
    return [
      `- attempt ${run.attempt}: ${run.result} by ${code(run.adapter.kind)}${cached}${commit}`,
      ...all.slice(0, MOST_FILES),
      ...(more > 0 ? [`  - and ${more} more: \`writ run-info ${run.runId}\``] : []),
    ];
  });
  return [`### ${code(step)}`, '', ...(told.length === 0 ? ['Nothing yet.'] : told), ''];
}

function irreversibleLines({ irreversible }: RollbackPlan): string[] {
  const caution =
    'A program may have reached further than its workspace without saying so; its transcript ' +
    '(`writ logs RUN`) may tell.';
  if (irreversible.length === 0) {
    return [`No step says that it has effects outside of its workspace. ${caution}`];
  }
  return [...irreversible.map(({ step, why }) => `- ${code(step)}: ${why}`), '', caution];
}

function byHand({ id, spec, workspace }: AdvisedDirective, { from, to }: RollbackPlan): string[] {
  if (spec.workspace.kind !== 'git') {
    const where = spec.workspace.kind === 'directory' ? ' The folder is yours to mend.' : '';
    return [
      `What the steps made can be had from the record:${where}`,
      '',
      ...shell([`writ bundle export ${id} --out ${id}.zip`]),
    ];
  }
  if (from === null || to === null || from === to) return ['There is nothing to undo in git.'];
  const git = `git -C ${quoted(workspace?.path ?? '')}`;
  const branch = quoted(`refs/heads/${workspace?.branch ?? ''}`);
  const kept = quoted(`refs/writ/rolled-back/${id}/by-hand`);
  return [
    'To look at it, to keep it and go back, and to take that back. Do it while the directive is ' +
      'paused or over: it does not expect its branch to move.',
    '',
    ...shell([
      `${git} log --stat ${to}..${from}`,
      `${git} update-ref ${kept} ${from}`,
      `${git} update-ref ${branch} ${to} ${from}`,
      `${git} update-ref ${branch} ${from} ${to}  # takes it back`,
    ]),
  ];
}

const shell = (lines: readonly string[]) => ['```sh', ...lines, '```'];

const words = (text: string) => plainLine(text, 200).replace(/[\\`*_<>|[\]#]/g, '\\$&');

/** A code span: its fence is longer than any run of backticks in it. */
function code(text: string): string {
  const plain = plainLine(text, 500);
  const longest = Math.max(0, ...(plain.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  const space = longest > 0 ? ' ' : '';
  return `${fence}${space}${plain}${space}${fence}`;
}

/** One word of a shell on one line; what cannot be seen in a path is not hidden in a command. */
const quoted = (text: string) =>
  `'${text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?').replace(/'/g, `'\\''`)}'`;
