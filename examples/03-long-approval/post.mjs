// One letter for each envelope.
import { readFileSync } from 'node:fs';

const letter = readFileSync('letter.md', 'utf8');
const envelopes = readFileSync('envelopes.txt', 'utf8').trim().split('\n');
for (const envelope of envelopes) console.log(`To: ${envelope}\n\n${letter}`);
