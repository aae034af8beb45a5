/**
 * Shows what would become of a directive file, and writes nothing. With a stack the planner is asked,
 * who knows how such steps went before and who may approve; without one the file alone is looked at.
 */
import { checkDirectiveFile, isWarning, type PlanDocument } from '@writ/contracts';
import { examinePlan, planDocument } from '@writ/domain';

import { CliError, EXIT } from '../cli-error';
import {
  parseVariables,
  type PlacedIssue,
  type ReadDirective,
  readDirectiveFile,
} from '../directive-file/read-directive-file';
import { checkWorkspace } from '../directive-file/resolve-workspace';
import { liveStack } from '../find-stack';
import { Gateway } from '../gateway-client';
import { writHome } from '../local/stack-home';
import { issuesOf, Output, usesColour } from '../output';
import type { CommonOptions } from '../program';
import { planView } from '../view/plan-view';
import { styleFor } from '../view/style';

interface PlanOptions extends CommonOptions {
  readonly var: string[];
}

export async function plan(file: string, options: PlanOptions): Promise<number> {
  const output = new Output(options);
  const document = await lookAt(file, options.var, output);
  if (output.json) output.value(document);
  else output.data(planView(document, styleFor(usesColour(process.stdout))).join('\n'));
  const errors = document.issues.filter((issue) => !isWarning(issue));
  if (errors.length === 0) return EXIT.ok;
  const codes = [...new Set(errors.map(({ code }) => code))].join(', ');
  const count = errors.length === 1 ? 'an error' : `${errors.length} errors`;
  const message = `${file} has ${count} (${codes}); submitted as it is, it would be refused`;
  // For people the issues stand above, with their places.
  throw new CliError('invalid_plan', message, output.json ? { issues: errors } : undefined);
}

async function lookAt(file: string, vars: string[], output: Output): Promise<PlanDocument> {
  const remote = Boolean(process.env['WRIT_URL']);
  const variables = parseVariables(vars);
  let read: ReadDirective;
  try {
    read = readDirectiveFile(file, variables);
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'invalid_directive') throw error;
    return unreadable(issuesOf(error.details) as PlacedIssue[]);
  }
  const workspace = remote ? undefined : checkWorkspace(read.directive);
  const isRunning = remote || liveStack(writHome())?.gatewayUrl !== undefined;
  const found = isRunning
    ? await Gateway.find((text) => output.talk(text)).post<PlanDocument>('/v1/plan', {
        directive: read.directive,
      })
    : alone(read);
  const issues = workspace === undefined ? found.issues : [workspace, ...found.issues];
  return { ...found, issues: read.place(issues) };
}

const NO_STACK =
  'no stack is running, so nothing is known of how such steps went before; "writ up" starts one';

function alone({ directive }: ReadDirective): PlanDocument {
  const checked = checkDirectiveFile(directive);
  if ('issues' in checked) return unreadable(checked.issues as PlacedIssue[]);
  return planDocument(examinePlan(checked.directive), { noForecast: NO_STACK });
}

function unreadable(issues: PlacedIssue[]): PlanDocument {
  const nothing = { steps: [], coverage: [], criteria: [], forecast: null };
  return { strategy: 'unknown', ...nothing, issues, noForecast: 'the file has errors' };
}
