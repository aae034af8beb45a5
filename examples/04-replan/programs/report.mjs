import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const parts = ['count.txt', 'longest.txt', 'survey.txt'].filter((part) => existsSync(part));
writeFileSync('report.txt', parts.map((part) => readFileSync(part, 'utf8')).join(''));
