// Stands in for an agent that plans. It is careless at first, mends what it is told of, and plans
// without the survey when somebody asks for another chain.
import { readFileSync } from 'node:fs';

const { steps: before, issues } = JSON.parse(readFileSync(0, 'utf8'));

const program = (script) => ({ kind: 'program', argv: ['node', script] });
const step = (name, { dependsOn = [], ...more }) => ({
  ...{ name, dependsOn, adapter: program(`${name}.mjs`), outputs: [`${name}.txt`], idempotent: true },
  ...{ cache: false, verify: [{ kind: 'files', paths: [`${name}.txt`], nonEmpty: true }] },
  ...more,
});
const count = step('count', { dependsOn: ['collect'] });
const report = (dependsOn) => step('report', { dependsOn, requirementIds: ['R1'] });

const careless = [step('collect', {}), { ...count, dependsOn: ['colect'] }, report(['count'])];
const first = [
  step('collect', {}),
  count,
  step('survey', { dependsOn: ['collect'] }),
  report(['count', 'survey']),
];
const other = [
  step('collect', {}),
  { ...count, description: 'Words and lines.' },
  step('longest', { dependsOn: ['collect'] }),
  report(['count', 'longest']),
];

const said = (rationale, steps) => console.log(JSON.stringify({ rationale, steps }));
if (before.length > 0) said('No survey: the longest word tells enough.', other);
else if (issues.length > 0) said(`Mended: ${issues[0].message}`, first);
else said('Count, and report.', careless);
