// Waits for answers that nobody writes: the step for which the chain is planned anew.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const look = setInterval(() => {
  if (!existsSync('answers.txt')) return;
  clearInterval(look);
  writeFileSync('survey.txt', readFileSync('answers.txt'));
}, 200);
