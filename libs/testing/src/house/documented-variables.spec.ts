/** Whoever runs a service finds every variable of it in one document. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../../../..');
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');
const operations = textOf('docs/OPERATIONS.md');
const services = ['executor', 'gateway', 'manifest', 'planner', 'verifier'];

it.each([
  ...services.map((name) => `services/${name}/src/config.ts`),
  ...['service-variables', 'standby'].map((name) => `libs/observability/src/${name}.ts`),
])('every variable that %s reads is in OPERATIONS.md', (path) => {
  const read = [...textOf(path).matchAll(/^ +(WRIT_[A-Z_]+):/gm)].map(([, name]) => name ?? '');
  expect(read).not.toEqual([]);
  expect(read.filter((name) => !operations.includes(`\`${name}`))).toEqual([]);
});
