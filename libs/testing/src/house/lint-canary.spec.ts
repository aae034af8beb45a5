/**
 * A lint that is silent says nothing unless it is known to speak. Known violations go through the real
 * configuration as texts that are on no disk, with no project graph made before.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './tree';

interface Canary {
  file: string;
  text: string;
}

const lintTexts = `
  import { ESLint } from 'eslint';
  import { readFileSync } from 'node:fs';
  const eslint = new ESLint({ overrideConfigFile: '.config/eslint.config.mjs' });
  const results = [];
  for (const { file, text } of JSON.parse(readFileSync(0, 'utf8'))) {
    const [result] = await eslint.lintText(text, { filePath: file });
    results.push(result.messages.map(({ ruleId, message }) => ruleId + ': ' + message));
  }
  const { rules } = await eslint.calculateConfigForFile('libs/contracts/src/index.ts');
  process.stdout.write(JSON.stringify({ results, rules }));
`;

interface Verdict {
  /** For each canary what was said, as `rule: message`. */
  results: string[][];
  /** The rules that hold for a source file that is on disk. */
  rules: Record<string, [severity: number]>;
}

function lint(canaries: readonly Canary[]): Verdict {
  const emptyGraph = mkdtempSync(join(tmpdir(), 'writ-lint-'));
  try {
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', lintTexts], {
      cwd: root,
      input: JSON.stringify(canaries),
      encoding: 'utf8',
      timeout: 120_000,
      stdio: 'pipe',
      env: { ...process.env, NX_WORKSPACE_DATA_DIRECTORY: emptyGraph, NX_DAEMON: 'false' },
    });
    return JSON.parse(output) as Verdict;
  } finally {
    rmSync(emptyGraph, { recursive: true, force: true });
  }
}

const uses = (name: string) => `import * as all from '${name}';\nexport const one = all;\n`;

const violations: [what: string, canary: Canary, rule: string][] = [
  [
    'domain imports the event log',
    { file: 'libs/domain/src/canary.ts', text: uses('@writ/event-log') },
    '@nx/enforce-module-boundaries',
  ],
  [
    'the command line imports the log',
    { file: 'services/cli/src/canary.ts', text: uses('@writ/event-log') },
    '@nx/enforce-module-boundaries',
  ],
  [
    'a service imports a service',
    { file: 'services/executor/src/canary.ts', text: uses('@writ/planner') },
    '@nx/enforce-module-boundaries',
  ],
  [
    'the simulator imports a service that it does not run',
    { file: 'services/simulator/src/canary.ts', text: uses('@writ/gateway') },
    '@nx/enforce-module-boundaries',
  ],
  [
    'a platform library imports another',
    { file: 'libs/messaging/src/canary.ts', text: uses('@writ/event-log') },
    '@nx/enforce-module-boundaries',
  ],
  [
    'a library reaches into the sources of another',
    { file: 'libs/event-log/src/canary.ts', text: uses('../../contracts/src/ids') },
    '@nx/enforce-module-boundaries',
  ],
  [
    'contracts reads files',
    { file: 'libs/contracts/src/canary.ts', text: uses('node:fs') },
    'no-restricted-imports',
  ],
  [
    'a service speaks NATS by itself',
    { file: 'services/planner/src/canary.ts', text: uses('nats') },
    'no-restricted-imports',
  ],
  [
    'the gateway opens a database',
    { file: 'services/gateway/src/canary.ts', text: uses('pg') },
    'no-restricted-imports',
  ],
  [
    'somebody runs a shell string',
    {
      file: 'services/executor/src/canary.ts',
      text: "import { exec } from 'node:child_process';\nexport const one = exec;\n",
    },
    'no-restricted-imports',
  ],
  [
    'TypeORM may alter tables',
    {
      file: 'services/planner/src/canary.ts',
      text: 'export const options = { synchronize: true };\n',
    },
    'no-restricted-syntax',
  ],
  [
    'a library writes to the console',
    { file: 'libs/messaging/src/canary.ts', text: "console.log('here');\n" },
    'no-console',
  ],
];

const allowed: [what: string, canary: Canary][] = [
  [
    'the simulator imports a service',
    { file: 'services/simulator/src/canary.ts', text: uses('@writ/planner') },
  ],
  [
    'the event log imports contracts',
    { file: 'libs/event-log/src/canary.ts', text: uses('@writ/contracts') },
  ],
  [
    'a spec of a library uses the testing library',
    { file: 'libs/messaging/src/canary.spec.ts', text: uses('@writ/testing') },
  ],
];

let found: Verdict;
beforeAll(() => {
  found = lint([...violations.map(([, canary]) => canary), ...allowed.map(([, canary]) => canary)]);
}, 120_000);

test.each(violations.map(([what, , rule], index) => ({ what, rule, index })))(
  'lint is red when $what',
  ({ rule, index }) => {
    expect(found.results[index]).toContainEqual(expect.stringContaining(`${rule}: `));
  },
);

test.each(allowed.map(([what], index) => ({ what, index: violations.length + index })))(
  'lint is green when $what',
  ({ index }) => {
    expect(found.results[index]).toEqual([]);
  },
);

test('what needs types is linted too: a promise that nobody awaits', () => {
  expect(found.rules['@typescript-eslint/no-floating-promises']?.[0]).toBe(2);
});
