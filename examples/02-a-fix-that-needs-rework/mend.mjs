// Stands in for an agent: guesses first, and does what the test asked for when it is sent back.
import { readFileSync, writeFileSync } from 'node:fs';

const { WRIT_ATTEMPT, WRIT_REWORK } = process.env;

if (WRIT_REWORK === undefined) {
  writeFileSync('greeting.txt', 'hello\n');
  console.log('made a guess');
} else {
  const { instructions, checks } = JSON.parse(readFileSync(WRIT_REWORK, 'utf8'));
  const asked = checks.map(({ output }) => /expected "([^"]*)"/.exec(output)?.[1]).find(Boolean);
  writeFileSync('greeting.txt', `${asked}\n`);
  console.log(`attempt ${WRIT_ATTEMPT}: ${instructions.split('\n')[0]}`);
}
