// Takes from the list those that a person has chosen. The answer lies among the inputs of the step.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const answers = join(process.env.WRIT_INPUTS, 'answers');
const { answer } = JSON.parse(readFileSync(join(answers, 'recipients.json'), 'utf8'));
const addresses = JSON.parse(readFileSync('addresses.json', 'utf8'));
console.log(addresses[answer].join('\n'));
