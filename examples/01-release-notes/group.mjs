// Writes release-notes/<group>.json: the commits of one group. Each commit has exactly one group.
import { readFileSync, writeFileSync } from 'node:fs';

const conventional = [
  ['features', /^feat(\(.+?\))?!?:/i],
  ['fixes', /^(fix|revert|security|perf)(\(.+?\))?!?:/i],
  ['other', /^[a-z]+(\(.+?\))?!?:/i],
];
const words = [
  ['fixes', /^(fix|correct|repair|resolve|mend|prevent|avoid|revert)/i],
  ['features', /^(add|introduce|implement|support|allow|enable|new|create)/i],
];

function groupOf(subject) {
  for (const [group, pattern] of [...conventional, ...words]) if (pattern.test(subject)) return group;
  return 'other';
}

const group = process.argv[2];
const { commits } = JSON.parse(readFileSync('release-notes/commits.json', 'utf8'));
const own = commits.filter((commit) => groupOf(commit.subject) === group);
writeFileSync(`release-notes/${group}.json`, JSON.stringify(own, null, 2) + '\n');
console.log(`${own.length} of ${commits.length} commits: ${group}`);
