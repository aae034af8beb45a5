/**
 * The page for people, rendered here so that it can be read without a script. Everything that came
 * from a directive, a program or an agent goes through `text`.
 */
import {
  type ApprovalDocument,
  type DirectiveDocument,
  type DirectiveSummary,
  finalStatuses,
  signOf,
  statusSigns,
  type StepDocument,
} from '@writ/contracts';

import type { ProblemDocument } from '../http/problem';
import { htmlLine as text } from './escape-html';

export function listPage(directives: readonly DirectiveSummary[]): string {
  const rows = directives.map(
    (it) => `<tr>
<td class="status">${status(it.status)}</td>
<td><a href="/?directive=${text(it.id)}">${text(it.title)}</a>${reviews(it.approvals)}</td>
<td class="more"><code>${text(it.id)}</code></td>
<td class="more">${time(it.createdAt)}</td>
</tr>`,
  );
  const table = `<table><thead><tr><th>State</th><th>Directive</th><th class="more">Id</th><th class="more">Created</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table>`;
  const empty = `<p>There is no directive yet. Submit one:</p><pre>writ submit directive.yaml</pre>`;
  return page('Directives', `<h1>Directives</h1>\n${directives.length === 0 ? empty : table}`);
}

/** What cannot be shown, for people: programs ask elsewhere and get a problem document. */
export function problemPage({ title, status: number, detail }: ProblemDocument): string {
  const body = `<p><a href="/">All directives</a></p>
<main><h1>${text(title)}</h1>
<p>${text(detail)}</p>
<p class="reason">Status ${number}</p></main>`;
  return page(title, body);
}

export function directivePage(directive: DirectiveDocument): string {
  const ended = finalStatuses.includes(directive.status);
  const { branch, commit } = directive.workspace;
  const where = branch === null ? '' : `Branch ${branch}`;
  const at = branch === null || commit === null ? '' : ` at ${commit.slice(0, 12)}`;
  const body = `<p><a href="/">All directives</a></p>
<main data-directive="${text(directive.id)}" data-final="${finalStatuses.join(' ')}" data-signs="${text(JSON.stringify(statusSigns))}">
<h1>${text(directive.title)}</h1>
<p><span class="status" id="status">${status(directive.status)}</span><span class="reason" id="reason">${text(directive.reason ?? '')}</span></p>
<p class="goal">${text(directive.goal)}</p>
<p id="workspace">${text(where + at)}</p>
<table><thead><tr><th>State</th><th>Step</th><th class="more">After</th><th>Took</th><th>Made</th></tr></thead>
<tbody id="steps">${directive.steps.map(stepRow).join('\n')}</tbody></table>
${waiting(directive.approvals)}
<h2>Events</h2>
<p id="feed" role="status">${ended ? 'It has ended.' : 'Without a script this page does not follow; load it again to see more.'}</p>
<ol id="events" reversed></ol>
<h2>On the command line</h2>
<pre>writ watch ${text(directive.id)}
writ show ${text(directive.id)} --json</pre>
</main>`;
  return page(directive.title, body);
}

/** What waits for a person. It is decided on the command line, where it is known who decides. */
function waiting(approvals: readonly ApprovalDocument[]): string {
  const links = reviews(approvals);
  return links === '' ? '' : `<h2>Waits for a person</h2>${links}`;
}

function reviews(approvals: readonly ApprovalDocument[]): string {
  return approvals
    .filter(({ status: state }) => state === 'pending')
    .map(({ id, stepName, type, context }) => {
      const what = `${stepName}: ${type.replaceAll('_', ' ')}`;
      return `<div class="reason">${signOf('awaiting_approval')} <a href="/v1/approvals/${text(id)}/review">${text(what)}</a> ${text(context.summary, 120)}</div>`;
    })
    .join('\n');
}

function stepRow(step: StepDocument): string {
  const made = step.artifacts.map(
    (it) =>
      `<a href="/v1/artifacts/${text(it.digest)}?name=${encodeURIComponent(it.path.split('/').at(-1)!)}">${text(it.path)}</a>`,
  );
  return `<tr data-step="${text(step.name)}">
<td class="status">${status(step.status)}</td>
<td>${text(step.name)}<div class="reason">${text(note(step))}</div></td>
<td class="more">${step.dependsOn.map((it) => text(it)).join(', ')}</td>
<td class="took">${took(step)}</td>
<td class="made">${made.join(', ')}</td>
</tr>`;
}

/** Why it failed or waits; or that nothing had to be done. */
function note({ reason, runStatus }: StepDocument): string {
  return reason ?? (runStatus === 'skipped' ? 'taken from the cache' : '');
}

function status(word: string): string {
  return `<span class="sign" aria-hidden="true" data-state="${text(word)}">${signOf(word)}</span> ${text(word)}`;
}

function took({ startedAt, completedAt }: StepDocument): string {
  if (startedAt === null || completedAt === null) return '';
  const seconds = (Date.parse(completedAt) - Date.parse(startedAt)) / 1000;
  return seconds < 60 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`;
}

function time(at: string): string {
  return `<time datetime="${text(at)}">${text(at.replace('T', ' ').replace(/\..*/, ' UTC'))}</time>`;
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text(title)} - Writ</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
</head>
<body>
${body}
</body>
</html>
`;
}
