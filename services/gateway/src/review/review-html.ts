/**
 * A review as one page that needs nothing else: no script, no picture, no address of anything. All
 * text of others goes through `htmlLine` and `htmlText`.
 */
import { createHash } from 'node:crypto';
import type { ApprovalReview } from '@writ/contracts';

import { htmlLine as line, htmlText } from '../page/escape-html';
import { commandsOf, factsOf, metricsOf, outcomesOf, sizeOf, type Fact } from './review-facts';
import { REVIEW_STYLE } from './review-style';

const styleHash = createHash('sha256').update(REVIEW_STYLE).digest('base64');

/** In the page and in the header of the response: what got in all the same can do nothing. */
export const REVIEW_POLICY = [
  `default-src 'none'`,
  `style-src 'sha256-${styleHash}'`,
  `img-src data:`,
  `base-uri 'none'`,
  `form-action 'none'`,
].join('; ');

export function reviewHtml(review: ApprovalReview): string {
  const { approval, directive, checks, health, diff, artifacts, run } = review;
  const failed = checks.filter(({ outcome, tail }) => outcome !== 'passed' && tail !== undefined);
  const body = [
    `<h1>${line(approval.stepName)} <small>of ${line(directive.title)}</small></h1>`,
    `<pre class="summary">${htmlText(approval.context.summary)}</pre>`,
    section('Summary', facts(factsOf(review))),
    section(
      'Agent outcomes',
      facts(outcomesOf(review)),
      said('Said', run?.stdout),
      said('Errors', run?.stderr),
    ),
    section('Checks', checks.length === 0 ? '' : checkTable(review)),
    ...failed.map(({ name, tail }) => said(name, tail)),
    section('Metrics', facts(metricsOf(review))),
    health === null
      ? ''
      : section(`Repository health: ${health.score} of 100`, healthTable(review)),
    section('Checklist', checklist(approval)),
    section('Questions', questions(approval)),
    section('Decisions', votes(approval)),
    diff === null ? '' : section('Diff', coloured(diff.text)),
    section(`Artifacts, compared with ${line(review.comparedWith)}`, ...artifacts.map(artifact)),
    approval.status === 'pending' ? section('Decide', commands(review)) : '',
  ];
  return page(`${approval.stepName} of ${directive.title}`, body.filter(Boolean).join('\n'));
}

const section = (title: string, ...parts: string[]): string => {
  const body = parts.filter((part) => part !== '');
  return body.length === 0 ? '' : `<section><h2>${title}</h2>\n${body.join('\n')}</section>`;
};

const facts = (rows: readonly Fact[]): string =>
  rows.length === 0
    ? ''
    : `<table>${rows.map(([name, value]) => `<tr><th>${line(name)}</th><td>${line(value)}</td></tr>`).join('\n')}</table>`;

const said = (name: string, text: string | null = ''): string =>
  text === null || text.trim() === ''
    ? ''
    : `<h3>${line(name)}</h3><pre>${htmlText(text.trimEnd())}</pre>`;

function checkTable({ checks }: ApprovalReview): string {
  const rows = checks.map(
    ({ name, kind, outcome, required, message }) =>
      `<tr class="${outcome}"><td>${line(outcome)}</td><td>${line(name)}</td><td>${line(kind)}</td><td>${required ? 'required' : ''}</td><td>${line(message)}</td></tr>`,
  );
  return `<table>${rows.join('\n')}</table>`;
}

function healthTable({ health }: ApprovalReview): string {
  const rows = (health?.points ?? []).map(
    ({ name, points, of, said: found }) =>
      `<tr class="${points === of ? 'passed' : 'failed'}"><td>${points} of ${of}</td><td>${line(name)}</td><td>${line(found)}</td></tr>`,
  );
  return `<table>${rows.join('\n')}</table>`;
}

type Approval = ApprovalReview['approval'];

function checklist({ checklist: items, votes: cast }: Approval): string {
  const ticked = (at: number) =>
    cast.some((it) => it.superseded !== true && it.ticks?.includes(at + 1) === true);
  const rows = items.map((item, at) => `<li>${ticked(at) ? '☑' : '☐'} ${line(item)}</li>`);
  return rows.length === 0 ? '' : `<ol>${rows.join('\n')}</ol>`;
}

function questions({ questions: all }: Approval): string {
  const rows = all.map(({ by, text, answers }) => {
    const given = answers.map((it) => `<li>${line(it.by)}: ${line(it.text)}</li>`);
    return `<li>${line(by)}: ${line(text)}<ul>${given.join('')}</ul></li>`;
  });
  return rows.length === 0 ? '' : `<ol>${rows.join('\n')}</ol>`;
}

function votes({ votes: cast }: Approval): string {
  const rows = cast.map(({ at, by, decision, comment, superseded }) => {
    const over = superseded === true ? ' <em>(of what was edited since)</em>' : '';
    const why = comment === undefined ? '' : `: ${line(comment)}`;
    return `<li>${line(at)} <b>${line(by)}</b> ${line(decision)}${over}${why}</li>`;
  });
  return rows.length === 0 ? '' : `<ul>${rows.join('\n')}</ul>`;
}

const classOf = (row: string): string => {
  if (/^(diff |index |--- |\+\+\+ |new file|deleted file|old mode|new mode)/.test(row))
    return 'head';
  if (row.startsWith('@@')) return 'hunk';
  if (row.startsWith('+')) return 'added';
  return row.startsWith('-') ? 'removed' : '';
};

export function coloured(diff: string): string {
  const rows = diff.trimEnd().split('\n');
  const shown = rows.map((row) => `<span class="${classOf(row)}">${htmlText(row)}</span>`);
  return `<pre class="diff">${shown.join('\n')}</pre>`;
}

function artifact(it: ApprovalReview['artifacts'][number]): string {
  const { path, change, before, after, diff, note } = it;
  const who = after?.authoredBy === undefined ? '' : `, written by ${line(after.authoredBy)}`;
  const head = `<h3>${line(path)}</h3><p>${change}${who}; before: ${line(sizeOf(before))}; after: ${line(sizeOf(after))}</p>`;
  if (diff !== null && diff !== '') return head + coloured(diff);
  return note === undefined ? head : `${head}<p class="note">${line(note)}</p>`;
}

const commands = (review: ApprovalReview): string =>
  `<pre>${commandsOf(review).map(htmlText).join('\n')}</pre>`;

const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${line(REVIEW_POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${line(title)} - Writ</title>
<link rel="icon" href="data:,">
<style>${REVIEW_STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
