/** Whoever gets an issue finds its code in docs/FORMATS.md: the table there is the one in contracts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueCodes } from '@writ/contracts';
import { root } from './tree';

const page = readFileSync(join(root, 'docs/FORMATS.md'), 'utf8');

test('every code of an issue is documented as it is, and no other', () => {
  const begin = page.indexOf('| code | severity | means |');
  const rows = page.slice(begin, page.indexOf('\n\n', begin)).split('\n').slice(2);
  const wanted = Object.entries(issueCodes).map(
    ([code, { severity, means }]) => `| \`${code}\` | ${severity} | ${means} |`,
  );
  expect(rows).toEqual(wanted);
});
