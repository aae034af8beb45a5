/** What another policy would have done, as lines of text. */
import { type BacktestReport, type DecisionFlip, plainLine } from '@writ/contracts';

import { instant, type Style, table } from './style';

export function backtestView(report: BacktestReport, style: Style): string[] {
  const { decisions, flips, counts, againstDenial, asIsApproved, steps, since } = report;
  const from = since === null ? '' : ` since ${since}`;
  if (flips === 0) return [`${decisions} decisions${from}, none would come out otherwise`];
  const counted = Object.entries(counts)
    .sort(([, one], [, other]) => other - one)
    .map(([flip, count]) => [`  ${flip.replace('->', ' -> ')}`, String(count)]);
  const rows = steps.map((flip) => [
    `  ${instant(flip.at)}`,
    flip.runId,
    `${sideOf(flip.then)} -> ${sideOf(flip.now)}`,
    wordOf(flip),
  ]);
  const more = flips - steps.length;
  return [
    style.bold(`${flips} of ${decisions} decisions${from} would come out otherwise`),
    ...table(counted),
    `  people had said no to ${againstDenial} that would pass, and yes to ${asIsApproved}`,
    '',
    ...table(rows),
    ...(more > 0 ? [style.dim(`  and ${more} more; --limit lists more of them`)] : []),
  ];
}

function sideOf({ outcome, confidence }: DecisionFlip['then']): string {
  if (confidence === null) return outcome;
  const score = confidence.score === null ? '' : ` ${Number(confidence.score.toFixed(3))}`;
  return `${outcome} (${confidence.level}${score})`;
}

function wordOf({ said }: DecisionFlip): string {
  if (said === null) return '';
  const who = said.by.length === 0 ? 'nobody in time' : said.by.join(', ');
  const reason = said.reason === undefined ? '' : `: ${said.reason}`;
  return plainLine(`${who}: ${said.decision}${reason}`, 120);
}
