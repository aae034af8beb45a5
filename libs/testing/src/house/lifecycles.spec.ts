import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  directiveStatuses,
  RuleStatus,
  RunDocument,
  ScheduleStatus,
  stepStatuses,
} from '@writ/contracts';
import { legalFrom, legalOnRule, legalOnSchedule } from '@writ/domain';

const text = readFileSync(join(__dirname, '../../../../docs/LIFECYCLES.md'), 'utf8');

interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

function diagram(title: string): Arrow[] {
  const block = new RegExp(`## ${title}\\n[\\s\\S]*?\`\`\`mermaid\\n([\\s\\S]*?)\`\`\``).exec(text);
  const lines = (block?.[1] ?? '').split('\n').map((line) => line.trim());
  return lines.flatMap((line) => {
    const [, from, to, label] = /^(\S+) --> (\w+)(?:: (.*))?$/.exec(line) ?? [];
    return from === undefined || to === undefined ? [] : [{ from, to, label: label ?? '' }];
  });
}

const statesOf = (arrows: readonly Arrow[]) =>
  [...new Set(arrows.flatMap(({ from, to }) => [from, to]))].filter((it) => it !== '[*]').sort();

describe('docs/LIFECYCLES.md', () => {
  it('draws the directive in the words of its statuses', () => {
    expect(statesOf(diagram('Directive'))).toEqual([...directiveStatuses].sort());
  });

  it('draws exactly the legal commands', () => {
    const verbs = Object.keys(legalFrom) as (keyof typeof legalFrom)[];
    const drawn = diagram('Directive').filter(({ label }) => verbs.includes(label as 'start'));
    const pairs = new Set(drawn.map(({ from, label }) => `${label} from ${from}`));
    const legal = verbs.flatMap((verb) => legalFrom[verb].map((from) => `${verb} from ${from}`));
    expect([...pairs].sort()).toEqual(legal.sort());
  });

  it('draws the schedule in the words of its statuses, and exactly its legal commands', () => {
    expect(statesOf(diagram('Schedule'))).toEqual([...ScheduleStatus.options].sort());
    const drawn = diagram('Schedule').map(({ from, label }) => `${label} from ${from}`);
    const legal = Object.entries(legalOnSchedule).flatMap(([verb, statuses]) =>
      statuses.map((status) => `${verb} from ${status}`),
    );
    expect(drawn.filter((it) => it !== 'create from [*]').sort()).toEqual(legal.sort());
  });

  it('draws the rule in the words of its statuses, and exactly its legal commands', () => {
    expect(statesOf(diagram('Rule'))).toEqual([...RuleStatus.options].sort());
    const drawn = diagram('Rule').map(({ from, label }) => `${label} from ${from}`);
    const legal = Object.entries(legalOnRule).flatMap(([verb, statuses]) =>
      statuses.map((status) => `${verb} from ${status}`),
    );
    const orders = drawn.filter((it) => /^(promote|revoke) from/.test(it));
    expect(orders.sort()).toEqual(legal.sort());
  });

  it('draws the step and the run in the words of their statuses', () => {
    expect(statesOf(diagram('Step'))).toEqual([...stepStatuses].sort());
    expect(statesOf(diagram('Run'))).toEqual([...RunDocument.shape.status.options].sort());
  });
});
