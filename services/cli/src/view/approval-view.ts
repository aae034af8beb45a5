/** A review as lines of text: what is asked, what it stands on, and how it is decided. */
import { type ApprovalDocument, type ApprovalReview, plainLine, plainText } from '@writ/contracts';

import { bytes, duration, type Style, table } from './style';

/** Of a diff; all of it is in the page and in REQUEST.md. */
const MOST_LINES = 400;

export function reviewView(review: ApprovalReview, style: Style): string[] {
  const { approval, directive, health } = review;
  const parts = [
    [
      style.bold(
        `${approval.stepName} of ${plainLine(directive.title, 100)} is ${approval.status}`,
      ),
      ...plainText(approval.context.summary).split('\n'),
      ...(approval.context.reworkProposed
        ? ['proposed: run it again with what the checks found']
        : []),
    ],
    approvalFacts(approval),
    titled('outcome', outcome(review), style),
    titled('checks', checks(review, style), style),
    titled('metrics', metrics(review), style),
    health === null
      ? []
      : titled(`repository health: ${health.score} of 100`, healthLines(review, style), style),
    titled('checklist', checklist(approval), style),
    titled('questions', questions(approval), style),
    titled('decisions', approval.votes.map(vote), style),
    review.diff === null ? [] : titled('diff', colouredDiff(review.diff.text, style), style),
    titled(`artifacts, compared with ${review.comparedWith}`, artifacts(review, style), style),
  ];
  return parts
    .filter((part) => part.length > 0)
    .flatMap((part, at) => (at === 0 ? part : ['', ...part]));
}

const titled = (title: string, lines: readonly string[], style: Style): string[] =>
  lines.length === 0 ? [] : [style.bold(title), ...lines.map((line) => `  ${line}`)];

function approvalFacts(approval: ApprovalDocument): string[] {
  const { id, digest, roles, quorum, deadline, context, requestedAt, directiveId } = approval;
  const { confidence, requester, requesterExcluded } = context;
  const score = confidence?.score ?? null;
  const level =
    confidence === null
      ? 'not judged'
      : `${confidence.level}${score === null ? '' : `, score ${Math.round(score * 1000) / 1000}`}`;
  const who = roles.length === 0 ? 'anybody' : roles.join(' or ');
  const many = quorum === 1 ? '' : `, ${quorum} of them`;
  const but = requesterExcluded ? `, but not ${plainLine(requester)}` : '';
  return table([
    ['  approval', id],
    ['  directive', directiveId],
    ['  asks for', approval.type.replaceAll('_', ' ')],
    ['  digest', digest],
    ['  confidence', level],
    ['  for', `${who}${many}${but}`],
    ['  since', requestedAt],
    ...(deadline === null ? [] : [['  until', deadline]]),
  ]);
}

function outcome({ run }: ApprovalReview): string[] {
  if (run === null) return [];
  const { runId, result, attempt, tries, adapter, sandbox, error, stdout, stderr } = run;
  const facts = [
    ['run', runId],
    [
      'result',
      `${result ?? 'under way'}, attempt ${attempt}, ${tries === 1 ? 'one try' : `${tries} tries`}`,
    ],
    ...(adapter === null ? [] : [['adapter', adapter]]),
    ...(sandbox === null ? [] : [['sandbox', sandbox]]),
    ...(error === null ? [] : [['error', plainLine(error, 500)]]),
  ];
  return [...table(facts), ...tail('said', stdout), ...tail('errors', stderr)];
}

function tail(name: string, text: string | null | undefined): string[] {
  const clean = plainText(text ?? '').trimEnd();
  if (clean === '') return [];
  return [
    `${name}:`,
    ...clean
      .split('\n')
      .slice(-10)
      .map((line) => `  ${line}`),
  ];
}

function checks({ checks: all }: ApprovalReview, style: Style): string[] {
  return all.flatMap(({ name, outcome: end, message, durationMs, required, tail: log }) => {
    const word = end === 'passed' ? 'passed' : 'failed';
    const must = required ? '' : ' (not required)';
    const line = `${style.status(word, end)} ${plainLine(name)}${must}: ${plainLine(message, 300)}`;
    return [`${line}, ${duration(durationMs)}`, ...(end === 'passed' ? [] : tail('it said', log))];
  });
}

function metrics({ metrics: of }: ApprovalReview): string[] {
  const { durationMs, checksMs, inputTokens, outputTokens, costUsd } = of;
  return table([
    ...(durationMs === null ? [] : [['the run took', duration(durationMs)]]),
    ...(checksMs === null ? [] : [['its checks took', duration(checksMs)]]),
    ...(inputTokens === null ? [] : [['tokens', `${inputTokens} in, ${outputTokens ?? 0} out`]]),
    ...(costUsd === null ? [] : [['cost', `$${costUsd}`]]),
  ]);
}

function healthLines({ health }: ApprovalReview, style: Style): string[] {
  return table(
    (health?.points ?? []).map(({ name, points, of, said }) => [
      style.status(points === of ? 'passed' : 'failed', `${points} of ${of}`),
      name,
      plainLine(said, 200),
    ]),
  );
}

function checklist({ checklist: items, votes }: ApprovalDocument): string[] {
  const ticked = new Set(
    votes.filter((it) => it.superseded !== true).flatMap(({ ticks }) => ticks ?? []),
  );
  return items.map(
    (item, at) => `${at + 1} [${ticked.has(at + 1) ? 'x' : ' '}] ${plainLine(item, 500)}`,
  );
}

function questions({ questions: all }: ApprovalDocument): string[] {
  return all.flatMap(({ question, by, text, answers }) => [
    `${question} ${plainLine(by)} asks: ${plainLine(text, 1000)}`,
    ...(answers.length === 0 ? ['  no answer yet'] : []),
    ...answers.map((it) => `  ${plainLine(it.by)}: ${plainLine(it.text, 1000)}`),
  ]);
}

function vote({ by, decision, comment, at, edits, superseded }: ApprovalDocument['votes'][number]) {
  const said = comment === undefined ? '' : `: ${plainLine(comment, 300)}`;
  const edited =
    edits === undefined ? '' : ` with ${edits.map((it) => plainLine(it.path)).join(', ')}`;
  const over = superseded === true ? ' (of what was edited since)' : '';
  return `${at}  ${plainLine(by)} ${decision}${edited}${over}${said}`;
}

export function colouredDiff(diff: string, style: Style): string[] {
  const lines = plainText(diff).trimEnd().split('\n');
  const shown = lines.slice(0, MOST_LINES).map((line) => {
    if (/^(diff |index |--- |\+\+\+ )/.test(line)) return style.bold(line);
    if (line.startsWith('@@')) return style.status('running', line);
    if (line.startsWith('+')) return style.status('passed', line);
    return line.startsWith('-') ? style.status('failed', line) : line;
  });
  const left = lines.length - shown.length;
  return left === 0 ? shown : [...shown, style.dim(`and ${left} more lines: --html FILE has them`)];
}

function artifacts({ artifacts: all }: ApprovalReview, style: Style): string[] {
  const side = (of: { bytes: number; digest: string } | null) =>
    of === null ? 'nothing' : `${bytes(of.bytes)} ${of.digest.slice(7, 19)}`;
  return all.flatMap(({ path, change, before, after, diff, note }) => {
    const who = after?.authoredBy === undefined ? '' : `, by ${plainLine(after.authoredBy)}`;
    const line = `${plainLine(path)}: ${change}${who} (${side(before)} -> ${side(after)})`;
    if (diff !== null && diff !== '')
      return [line, ...colouredDiff(diff, style).map((it) => `  ${it}`)];
    return [note === undefined ? line : `${line}, ${note}`];
  });
}

/** What to type; the digest is that of what was seen. */
export function decisionCommands({
  id,
  digest,
  type,
  checklist: items,
  choices,
}: ApprovalDocument): string[] {
  const decide = (verb: string, more = '') => `  writ ${verb} ${id} --digest ${digest}${more}`;
  const deny = decide('deny', ' --comment "why"');
  if (type === 'question') {
    const said = choices?.map((it) => JSON.stringify(plainLine(it))).join(' | ') ?? '';
    const how = choices === null ? ' --text "..."' : ` --choice ${said}`;
    return ['answer it with:', decide('answer', how), deny];
  }
  const again = decide('deny', ' --rework --comment "what to change"');
  return [
    'decide with one of:',
    decide('approve', items.length === 0 ? '' : ' --tick all'),
    deny,
    ...(type === 'step_review' ? [again] : []),
  ];
}
