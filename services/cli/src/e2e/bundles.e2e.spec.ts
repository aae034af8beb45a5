/**
 * What a directive made leaves one stack and arrives in another, its figures are those of what was
 * recorded, and a rollback is explained before anybody does it.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  DirectiveDocument,
  DirectiveMetrics,
  RollbackAdvisory,
  RunMetrics,
} from '@writ/contracts';
import { TestStack, writ } from '@writ/testing';

let here: TestStack;
let there: TestStack;
beforeAll(async () => {
  here = await TestStack.start();
  there = await TestStack.start();
}, 240_000);
afterAll(async () => {
  await here?.stop();
  await there?.stop();
}, 120_000);

const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', args, {
    cwd,
    env: {
      ...process.env,
      ...{ GIT_AUTHOR_NAME: 'U', GIT_AUTHOR_EMAIL: 'u@x' },
      ...{ GIT_COMMITTER_NAME: 'U', GIT_COMMITTER_EMAIL: 'u@x' },
    },
  })
    .toString()
    .trim();

function write(stack: TestStack, name: string, content: object): string {
  const path = join(stack.home, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const shell = (script: string) => ({ kind: 'shell', script });

/** The first fails twice with a code that is worth another try. */
const tries = `echo x >> "$WRIT_FOLDER/tries"; [ $(wc -l < "$WRIT_FOLDER/tries") -ge 3 ] || exit 75`;

async function madeHere(): Promise<DirectiveDocument> {
  const folder = join(here.home, 'witness');
  mkdirSync(folder);
  const flaky = tries.replaceAll('$WRIT_FOLDER', folder);
  const retry = { retries: 3, baseDelayMs: 10 };
  const verify = [{ kind: 'files', name: 'notes', paths: ['notes.md'], nonEmpty: true }];
  const big = 'head -c 3000000 /dev/zero | tr "\\0" "x" > big.txt';
  return here.json([
    'run',
    write(here, 'made.json', {
      ...{ title: 'Made here', goal: 'Be carried over', autonomy: 'full_auto' },
      workspace: { kind: 'directory', path: folder },
      chain: {
        steps: [
          {
            name: 'collect',
            adapter: shell(`${flaky}; echo notes > notes.md; echo said`),
            ...{ retry, verify, outputs: ['notes.md'] },
          },
          {
            name: 'grow',
            dependsOn: ['collect'],
            adapter: shell(big),
            outputs: ['big.txt'],
            verify: 'none',
          },
        ],
      },
    }),
  ]);
}

interface Imported {
  directiveId: string;
  new: { digest: string; bytes: number; paths: string[] }[];
  present: { digest: string }[];
}

describe('a bundle', () => {
  let directive: DirectiveDocument;
  const file = () => join(here.home, 'made.zip');

  it('is written, the same again for the same record, and holds with nothing running', async () => {
    directive = await madeHere();
    const told = await here.json<{ files: number; digest: string }>([
      ...['bundle', 'export', directive.id, '--out', file()],
    ]);
    const again = join(here.home, 'again.zip');
    const elsewhere = { WRIT_HOME: join(here.home, '.writ'), TZ: 'Pacific/Kiritimati' };
    const argv = ['bundle', 'export', directive.id, '--out', again];
    expect(await writ(argv, { env: elsewhere })).toMatchObject({ code: 0 });
    expect(readFileSync(again).equals(readFileSync(file()))).toBe(true);
    const found = await there.json(['bundle', 'verify', file()]);
    expect(found).toMatchObject({ ok: true, digest: told.digest, directiveId: directive.id });
  }, 120_000);

  it('is imported into another stack, where a step has its contents as inputs', async () => {
    const first = await there.json<Imported>(['bundle', 'import', file()]);
    expect(first.present).toEqual([]);
    const notes = first.new.find(({ paths }) => paths.includes('artifacts/collect/notes.md'));
    expect(first.new.map(({ bytes }) => bytes)).toContain(3_000_000);
    const second = await there.json<Imported>(['bundle', 'import', file()]);
    expect([second.new, second.present.length]).toEqual([[], first.new.length]);
    const used = await there.json<DirectiveDocument>([
      'run',
      write(there, 'use.json', {
        ...{ title: 'Use it', goal: 'Have it', autonomy: 'full_auto' },
        chain: {
          steps: [
            {
              ...{ name: 'use', verify: 'none', outputs: ['copy.md'] },
              adapter: { kind: 'shell', script: 'cp "$WRIT_INPUTS/old/notes.md" copy.md' },
              inputs: [{ name: 'old/notes.md', digest: notes?.digest }],
            },
          ],
        },
      }),
    ]);
    expect(used.steps[0]?.artifacts[0]?.digest).toBe(notes?.digest);
  }, 120_000);

  it('that was tampered with is neither verified nor imported', async () => {
    const bytes = readFileSync(file());
    const at = bytes.indexOf('xxxxxxxxxx');
    bytes[at] = 'y'.charCodeAt(0);
    const bad = join(here.home, 'bad.zip');
    writeFileSync(bad, bytes);
    const { code, stdout } = await there.writ(['bundle', 'verify', bad, '--json']);
    expect(code).toBe(11);
    expect(JSON.parse(stdout)).toMatchObject({ problems: [{ path: 'artifacts/grow/big.txt' }] });
    expect((await there.writ(['bundle', 'import', bad])).code).toBe(11);
  }, 60_000);

  it('seed defect 29: the metrics of the run tell the tries that were really made', async () => {
    const runId = directive.steps[0]?.runId ?? '';
    const run = await here.json<RunMetrics>(['metrics', runId]);
    expect(readFileSync(join(here.home, 'witness/tries'), 'utf8')).toBe('x\nx\nx\n');
    expect(run).toMatchObject({
      ...{ tries: 3, retries: 2, result: 'success', claims: 1, exitCode: 0 },
      attempts: [{ exitCode: 75 }, { exitCode: 75 }, { exitCode: 0 }],
      validation: { status: 'passed', checks: { passed: 1, failed: 0, errors: 0 } },
    });
    expect(run.queueMs).toBeGreaterThanOrEqual(0);
    expect(run.cleanliness).toBeCloseTo(1 / 3);
    const whole = await here.json<DirectiveMetrics>(['metrics', directive.id]);
    expect(whole).toMatchObject({
      ...{ status: 'completed', tries: 4, retries: 2, reworks: 0 },
      runs: { total: 2, byResult: { success: 2 } },
      artifacts: { count: 2, bytes: 3_000_006 },
      criticalPath: { steps: [{ step: 'collect' }, { step: 'grow' }] },
    });
    expect((await here.writ(['metrics', runId])).stdout).toMatch(/tries +3, of them 2 again/);
    expect((await here.writ(['metrics', directive.id])).stdout).toMatch(/longest way/);
    expect((await here.writ(['metrics', `${directive.id}-g1-none-a1`])).code).toBe(3);
  }, 60_000);
});

describe('the advisory of a rollback', () => {
  it('names the steps, the commits and the commands, which do what it says', async () => {
    const repository = join(here.home, 'repository');
    mkdirSync(repository);
    git(repository, 'init', '-q', '-b', 'main');
    git(repository, 'commit', '-q', '--allow-empty', '-m', 'first');
    const base = git(repository, 'rev-parse', 'main');
    const step = (name: string, dependsOn: string[], more = {}) => ({
      ...{ name, dependsOn, verify: 'none', adapter: shell(`echo ${name} > ${name}.txt`) },
      ...more,
    });
    const directive = await here.json<DirectiveDocument>([
      'run',
      write(here, 'git.json', {
        ...{ title: 'In git', goal: 'Go back', autonomy: 'full_auto' },
        workspace: { kind: 'git', repository },
        chain: { steps: [step('a', []), step('b', ['a']), step('c', ['b'], { cache: false })] },
      }),
    ]);
    const command = ['rollback', directive.id, 'b', '--advisory-only'];
    const { plan } = await here.json<RollbackAdvisory>(command);
    expect(plan.steps.map((it) => `${it.step} ${it.because}`)).toEqual(['b asked', 'c depends_on']);
    expect(plan.from).toBe(directive.workspace.commit);
    expect(git(repository, 'show', '--name-only', '--format=', plan.to ?? '')).toBe('a.txt');
    expect(plan.irreversible).toMatchObject([{ step: 'c' }]);
    expect(git(repository, 'rev-parse', `writ/${directive.id}`)).toBe(plan.from);
    const { stdout } = await here.writ(command);
    const [, script = ''] = /```sh\n([\s\S]*?)```/.exec(stdout) ?? [];
    const lines = script.split('\n').filter((line) => !line.includes('takes it back'));
    execFileSync('sh', ['-ec', lines.join('\n')]);
    expect(git(repository, 'rev-parse', `writ/${directive.id}`)).toBe(plan.to);
    expect(git(repository, 'rev-parse', 'main')).toBe(base);
    const kept = `refs/writ/rolled-back/${directive.id}/by-hand`;
    expect(git(repository, 'rev-parse', kept)).toBe(plan.from);
    const unknown = await here.writ(['rollback', directive.id, 'nothing', '--advisory-only']);
    expect(unknown.code).toBe(3);
  }, 120_000);
});
