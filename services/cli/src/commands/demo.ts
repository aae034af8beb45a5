/** The example of release notes, on a stack of its own, told step by step. */
import type { DirectiveDocument } from '@writ/contracts';
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';

import { asCliError, CliError, EXIT } from '../cli-error';
import { writHome } from '../local/stack-home';
import type { Stack } from '../local/start-stack';
import { Output } from '../output';
import type { CommonOptions } from '../program';
import { readForSubmit, submitDirective } from '../submit-directive';
import { table } from '../view/style';
import { interruption, outcomeOf, watchDirective } from '../watch-directive';
import { gatewayOf, startOwn } from './run';

const ROOT = join(__dirname, '..', '..', '..', '..');
const EXAMPLE = join(ROOT, 'examples', '01-release-notes', 'directive.yaml');

export async function demo(options: CommonOptions): Promise<number> {
  const output = new Output(options);
  if (!existsSync(EXAMPLE)) {
    throw new CliError('not_found', `${EXAMPLE} is missing; the demo needs the whole repository`);
  }
  const read = readForSubmit(EXAMPLE, [], true);
  const home = join(writHome(), 'demo');
  const { signal, release } = interruption();
  const begun = performance.now();
  let stack: Stack | undefined;
  try {
    output.talk('Writ: release notes of this repository, from its history');
    output.talk(`starting a stack of its own in ${home}`);
    stack = await startOwn(output, signal, home);
    const gateway = gatewayOf(stack);
    const { directiveId } = await submitDirective(gateway, EXAMPLE, read);
    const watched = { ...options, output, signal };
    const directive = await watchDirective(gateway, directiveId, watched);
    await stack.stop();
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    if (output.json) output.value(directive);
    else output.data(summary(directive, seconds, relative(process.cwd(), home)));
    return outcomeOf(directive);
  } catch (error) {
    if (asCliError(error).exitCode !== EXIT.interrupted && !signal.aborted) throw error;
    return EXIT.interrupted;
  } finally {
    await stack?.stop();
    release();
  }
}

function summary(directive: DirectiveDocument, seconds: string, home: string): string {
  const { id, status, workspace, steps } = directive;
  const passed = steps.filter((step) => step.status === 'passed').length;
  const lines = [
    `${status}: ${passed} of ${steps.length} steps passed, ${seconds} s with start and stop`,
  ];
  const rows = steps.map((step) => [
    `  ${step.name}`,
    step.runStatus === 'skipped' ? 'from the cache' : step.status,
    step.confidence?.level ?? '',
    step.artifacts.map(({ path }) => path).join(', '),
  ]);
  lines.push(...table(rows));
  if (workspace.branch !== null) {
    lines.push(
      '',
      'The result is on a branch of its own; your working tree and other branches are untouched:',
      `  git show ${workspace.branch}:CHANGELOG.md`,
      `  git diff HEAD...${workspace.branch} --stat`,
    );
  }
  const run = steps.at(-1)?.runId;
  lines.push(
    '',
    `Everything about it is on record in ${home}:`,
    `  export WRIT_HOME=${home}`,
    '  npx writ up --detach',
    `  npx writ show ${id}`,
    `  npx writ events --directive ${id}`,
    ...(run ? [`  npx writ manifest show ${run}`] : []),
    '  npx writ log verify',
    '  npx writ down',
  );
  return lines.join('\n');
}
