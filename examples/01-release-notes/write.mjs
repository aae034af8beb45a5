// Writes CHANGELOG.md (a new section above the earlier ones) and release.json; removes the lists.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const read = (name) => JSON.parse(readFileSync(`release-notes/${name}.json`, 'utf8'));
const { since, from, to, commits } = read('commits');
const groups = { features: read('features'), fixes: read('fixes'), other: read('other') };
const date = commits[0].date.slice(0, 10);

const titles = { features: 'Features', fixes: 'Fixes', other: 'Other changes' };
const escaped = (text) => text.replace(/[\\`*_<>[\]]/g, '\\$&');
const sections = Object.entries(titles)
  .filter(([group]) => groups[group].length > 0)
  .map(([group, title]) => {
    const lines = groups[group].map(
      ({ hash, subject, author }) => `- ${escaped(subject)} (${hash.slice(0, 12)}, ${escaped(author)})`,
    );
    return `### ${title}\n\n${lines.join('\n')}\n`;
  });
const heading = `## ${date}${since === null ? '' : `, since ${since}`}`;
const section = `${heading}\n\n${sections.join('\n')}`;

const title = '# Changelog\n';
const earlier = existsSync('CHANGELOG.md') ? readFileSync('CHANGELOG.md', 'utf8') : '';
const body = earlier.startsWith('# ') ? earlier.slice(earlier.indexOf('\n') + 1) : earlier;
const firstLine = earlier.startsWith('# ') ? earlier.slice(0, earlier.indexOf('\n') + 1) : title;
writeFileSync('CHANGELOG.md', `${firstLine}\n${section}${body.trim() === '' ? '' : `\n${body.trimStart()}`}`);
writeFileSync('release.json', JSON.stringify({ from, to, since, date, groups }, null, 2) + '\n');
rmSync('release-notes', { recursive: true });
console.log(`CHANGELOG.md and release.json: ${commits.length} commits`);
