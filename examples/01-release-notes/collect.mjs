// Writes release-notes/commits.json: the commits since a tag, since a commit, or the newest so many.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';

const options = Object.fromEntries(
  process.argv.slice(2).map((argument) => /^--(\w+)=(.*)$/.exec(argument)?.slice(1) ?? []),
);
const git = (...argv) =>
  execFileSync('git', argv, { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] });

function lastTag() {
  try {
    return git('describe', '--tags', '--abbrev=0').trim();
  } catch {
    return null; // no tag yet: the whole history
  }
}

const count = options.count === '' ? null : Number(options.count);
if (count !== null && !(Number.isInteger(count) && count > 0)) {
  console.error(`count is "${options.count}"; give a number above 0, or nothing`);
  process.exit(2);
}
const since = count === null ? options.since || lastTag() : null;
const to = git('rev-parse', 'HEAD').trim();
const range = since === null ? [to] : [`${since}..${to}`];
const limit = count === null ? [] : [`--max-count=${count}`];

const fields = ['%H', '%s', '%an', '%cI'].join('%x1f');
const commits = git('log', ...limit, `--format=${fields}`, '--end-of-options', ...range, '--')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => {
    const [hash, subject, author, date] = line.split('\x1f');
    return { hash, subject, author, date };
  });
if (commits.length === 0) {
  console.error(`there is no commit since ${since}; name an earlier one (since) or a number (count)`);
  process.exit(1);
}

const from = since === null ? null : git('rev-parse', `${since}^{commit}`).trim();
mkdirSync('release-notes', { recursive: true });
writeFileSync(
  'release-notes/commits.json',
  JSON.stringify({ since, from, to, count, commits }, null, 2) + '\n',
);
console.log(`${commits.length} commits${since === null ? '' : ` since ${since}`}`);
