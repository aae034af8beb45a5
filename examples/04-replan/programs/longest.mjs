import { readFileSync, writeFileSync } from 'node:fs';

const words = readFileSync('collect.txt', 'utf8').trim().split(/\s+/);
const longest = words.reduce((one, other) => (other.length > one.length ? other : one));
writeFileSync('longest.txt', `the longest is "${longest}"\n`);
