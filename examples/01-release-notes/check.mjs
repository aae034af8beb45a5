// Exits 0 when every commit of the range stands in release.json and in CHANGELOG.md exactly once.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const { from, to, groups } = JSON.parse(readFileSync('release.json', 'utf8'));
const listed = Object.values(groups).flat();
const git = (...argv) => execFileSync('git', argv, { encoding: 'utf8', maxBuffer: 1 << 28 });
const all = git('rev-list', ...(from === null ? [to] : [`${from}..${to}`])).trim().split('\n');
// Without a starting point the range may have been cut to a number of commits: the newest ones.
const expected = from === null ? all.slice(0, listed.length) : all;

const problems = [];
const seen = new Map();
for (const { hash } of listed) seen.set(hash, (seen.get(hash) ?? 0) + 1);
for (const [hash, times] of seen) if (times > 1) problems.push(`${hash} is listed ${times} times`);
for (const hash of expected) if (!seen.has(hash)) problems.push(`${hash} is missing`);
for (const hash of seen.keys()) if (!expected.includes(hash)) problems.push(`${hash} is not in the range`);

const lines = readFileSync('CHANGELOG.md', 'utf8').split(/^## /m)[1]?.split('\n') ?? [];
for (const { hash } of listed) {
  const times = lines.filter((line) => line.includes(`(${hash.slice(0, 12)}, `)).length;
  if (times !== 1) problems.push(`${hash} stands ${times} times in CHANGELOG.md`);
}
for (const problem of problems.slice(0, 20)) console.error(problem);
console.log(`${listed.length} commits listed, ${expected.length} in the range`);
process.exit(problems.length === 0 ? 0 : 1);
