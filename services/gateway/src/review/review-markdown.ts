/**
 * A review as REQUEST.md. Owns that no text of others becomes markup: a line of it is escaped, more of
 * it stands in a fence that is longer than any in it.
 */
import { plainLine, plainText, type ApprovalReview } from '@writ/contracts';

import { commandsOf, factsOf, metricsOf, outcomesOf, sizeOf, type Fact } from './review-facts';

export function reviewMarkdown(review: ApprovalReview): string {
  const { approval, directive, checks, health, diff, artifacts, run } = review;
  const parts = [
    `# Request: ${line(approval.stepName)} of ${line(directive.title)}`,
    fenced(approval.context.summary),
    section('Summary', facts(factsOf(review))),
    section(
      'Agent outcomes',
      facts(outcomesOf(review)),
      tail('Said', run?.stdout),
      tail('Errors', run?.stderr),
    ),
    section('Checks', checks.length === 0 ? '' : checkTable(review)),
    ...checks.filter(({ outcome }) => outcome !== 'passed').map((it) => tail(it.name, it.tail)),
    section('Metrics', facts(metricsOf(review))),
    health === null
      ? ''
      : section(`Repository health: ${health.score} of 100`, healthTable(review)),
    section('Checklist', approval.checklist.map(tick(approval)).join('\n')),
    section('Questions', approval.questions.map(question).join('\n')),
    section('Decisions', approval.votes.map(vote).join('\n')),
    diff === null ? '' : section('Diff', fenced(diff.text, 'diff')),
    section(`Artifacts, compared with ${line(review.comparedWith)}`, ...artifacts.map(artifact)),
    approval.status === 'pending'
      ? section('Decide', fenced(commandsOf(review).join('\n'), 'sh'))
      : '',
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

type Votes = ApprovalReview['approval'];

const section = (title: string, ...parts: string[]): string => {
  const body = parts.filter((part) => part !== '');
  return body.length === 0 ? '' : [`## ${title}`, ...body].join('\n\n');
};

const line = (text: string): string =>
  plainLine(text, 2000).replace(/[\\`*_{}[\]()|<>~&]/g, (it) => `\\${it}`);

function fenced(text: string, language = 'text'): string {
  const clean = plainText(text).trimEnd();
  const longest = Math.max(2, ...[...clean.matchAll(/`+/g)].map(([it]) => it.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${clean}\n${fence}`;
}

function facts(rows: readonly Fact[]): string {
  if (rows.length === 0) return '';
  const lines = rows.map(([name, value]) => `| ${name} | ${line(value)} |`);
  return ['| | |', '|---|---|', ...lines].join('\n');
}

const tail = (name: string, text: string | null = ''): string =>
  text === null || text.trim() === '' ? '' : `${line(name)}:\n\n${fenced(text)}`;

function checkTable({ checks }: ApprovalReview): string {
  const rows = checks.map(
    ({ name, kind, outcome, required, message }) =>
      `| ${line(name)} | ${kind} | ${outcome} | ${required ? 'yes' : 'no'} | ${line(message)} |`,
  );
  return ['| check | kind | outcome | required | said |', '|---|---|---|---|---|', ...rows].join(
    '\n',
  );
}

function healthTable({ health }: ApprovalReview): string {
  const rows = (health?.points ?? []).map(
    ({ name, points, of, said }) => `| ${name} | ${points} of ${of} | ${line(said)} |`,
  );
  return ['| fact | points | found |', '|---|---|---|', ...rows].join('\n');
}

const tick =
  ({ votes }: Pick<Votes, 'votes'>) =>
  (item: string, at: number): string => {
    const ticked = votes.some(
      (it) => it.superseded !== true && it.ticks?.includes(at + 1) === true,
    );
    return `${at + 1}. [${ticked ? 'x' : ' '}] ${line(item)}`;
  };

function question({ question: number, text, by, answers }: Votes['questions'][number]): string {
  const said = answers.map((it) => `   - ${line(it.by)}: ${line(it.text)}`);
  return [`${number}. ${line(by)}: ${line(text)}`, ...said].join('\n');
}

function vote({ at, by, decision, comment, superseded }: Votes['votes'][number]): string {
  const over = superseded === true ? ' (of what was edited since)' : '';
  return `- ${at} ${line(by)}: ${decision}${over}${comment === undefined ? '' : `, ${line(comment)}`}`;
}

function artifact(it: ApprovalReview['artifacts'][number]): string {
  const { path, change, before, after, diff, note } = it;
  const who = after?.authoredBy === undefined ? '' : `, written by ${line(after.authoredBy)}`;
  const head = `### ${line(path)}\n\n${change}${who}; before: ${line(sizeOf(before))}; after: ${line(sizeOf(after))}`;
  if (diff !== null && diff !== '') return `${head}\n\n${fenced(diff, 'diff')}`;
  return note === undefined ? head : `${head}\n\n${line(note)}`;
}
