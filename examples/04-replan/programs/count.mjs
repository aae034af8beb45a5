import { readFileSync, writeFileSync } from 'node:fs';

const text = readFileSync('collect.txt', 'utf8');
writeFileSync('count.txt', `${text.trim().split(/\s+/).length} words\n`);
