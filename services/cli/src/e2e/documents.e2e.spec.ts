/** The README's first directive, done as it says: what a newcomer types has to work. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestStack } from '@writ/testing';

const readme = readFileSync(join(__dirname, '../../../../README.md'), 'utf8');
let stack: TestStack;

beforeAll(async () => {
  stack = await TestStack.start();
}, 120_000);

afterAll(() => stack?.stop(), 60_000);

const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    (it) => it[1] ?? '',
  );

/** The commands of the shell blocks, without `npx` and what a pipe does to their output. */
const commands = blocks('sh')
  .flatMap((block) => block.trim().split('\n'))
  .map((line) => line.replace(/ \|.*$/, '').split(' '))
  .filter(([npx, writ]) => npx === 'npx' && writ === 'writ')
  .map(([, , ...argv]) => argv);

describe('the first directive of the README', () => {
  it('runs, command by command', async () => {
    const [directive] = blocks('yaml');
    writeFileSync(join(stack.home, 'hello.yaml'), directive ?? '');
    const own = commands.filter(([verb]) => verb !== 'up' && verb !== 'down');
    expect(own.map(([verb]) => verb)).toEqual(['run', 'list', 'events', 'log', 'rebuild']);
    for (const argv of own) {
      const { code, stdout, stderr } = await stack.writ(argv, { cwd: stack.home });
      expect({ argv, code, stdout, stderr }).toMatchObject({ code: 0 });
      expect(stdout).not.toBe('');
    }
  }, 120_000);

  it('is taken from the cache the second time', async () => {
    const again = await stack.json<{ steps: { runStatus: string }[] }>(['run', 'hello.yaml']);
    expect(again.steps.map((step) => step.runStatus)).toEqual(['skipped', 'skipped']);
  }, 120_000);
});
