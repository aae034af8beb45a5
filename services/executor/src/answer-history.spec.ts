import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DirectiveFile, type HistoryAnswer, type RunEnded, type RunWork } from '@writ/contracts';
import { eventually } from '@writ/testing';
import { answerHistory } from './answer-history';
import { MemoryWorld, type MemoryExecutor } from './memory-executor';
import { kindKeyOf, stepKeyOf } from './projections/step-history';

let world: MemoryWorld;
let one: MemoryExecutor;
beforeAll(async () => {
  world = new MemoryWorld();
  one = await world.open('one', { env: { WRIT_MAX_PROGRAMS: '3' } });
});
afterAll(() => world.close());

const shell = (script: string) => ({ kind: 'shell', script }) as const;

const planned = (workspace: object, ...steps: object[]) => {
  const file = DirectiveFile.parse({ title: 't', goal: 'g', workspace, chain: { steps } });
  return { workspace: file.workspace, steps: file.chain?.steps ?? [] };
};

async function ask(workspace: object, ...steps: object[]): Promise<Record<string, string>> {
  const answer = await answerHistory(one, planned(workspace, ...steps));
  return Object.fromEntries(answer.steps.map(({ step, bundle }) => [step, bundle]));
}

async function run(work: Partial<RunWork> & Pick<RunWork, 'adapter'>): Promise<RunEnded> {
  const { runId } = await world.start({ cache: true, ...work });
  const end = await eventually(async () => (await world.endOf(runId)) ?? false, {
    ...{ what: `the end of ${runId}`, timeoutMs: 10_000 },
  });
  return end as RunEnded;
}

describe('what is in the cache', () => {
  const none = { kind: 'none' };
  const first = { name: 'first', adapter: shell('echo one > a.txt'), outputs: ['a.txt'] };
  const second = { name: 'second', dependsOn: ['first'], adapter: shell('cat a.txt') };
  const third = { name: 'third', dependsOn: ['second'], adapter: shell('echo never') };

  test('is known before anything runs, from step to step as long as all before it are hits', async () => {
    expect(await ask(none, first, second, third)).toEqual({
      ...{ first: 'miss', second: 'unknown', third: 'unknown' },
    });
    const { runId, artifacts } = await run({
      step: 'first',
      adapter: first.adapter,
      outputs: ['a.txt'],
    });
    expect(await ask(none, first, second)).toEqual({ first: 'hit', second: 'miss' });
    const dependencies = [{ step: 'first', runId, artifacts }];
    await run({ step: 'second', adapter: second.adapter, dependencies });
    expect(await ask(none, first, second, third)).toEqual({
      ...{ first: 'hit', second: 'hit', third: 'miss' },
    });
    expect(await ask(none, { ...first, cache: false }, second)).toEqual({
      ...{ first: 'miss', second: 'unknown' },
    });
  });

  test('is known of more steps than are looked at together', async () => {
    const adapter = { kind: 'echo' };
    const output = { name: 'all', adapter: { ...adapter, output: 'all' } };
    await run({ step: 'echo', adapter: { kind: 'echo' } });
    const names = Array.from({ length: 40 }, (_, at) => `many-${at}`);
    const many = names.map((name) => ({ name, adapter }));
    const outlook = await ask(none, ...many, { ...output, dependsOn: names });
    expect(Object.values(outlook)).toEqual([...names.map(() => 'hit'), 'miss']);
  });

  test('is known in a directory and in a repository for steps that wait for nothing', async () => {
    const path = join(world.folder, 'workspace');
    mkdirSync(path);
    writeFileSync(join(path, 'source.txt'), 'text');
    const directory = { kind: 'directory', path } as const;
    const quiet = { name: 'look', adapter: shell('cat source.txt') };
    const after = { name: 'after', dependsOn: ['look'], adapter: shell('true') };
    await run({ step: 'look', adapter: quiet.adapter, workspace: { spec: directory, path } });
    expect(await ask(directory, quiet, after)).toEqual({ look: 'hit', after: 'unknown' });
    writeFileSync(join(path, 'source.txt'), 'another');
    expect(await ask(directory, quiet)).toEqual({ look: 'miss' });

    const git = (...argv: string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...argv], { cwd: path })
        .toString()
        .trim();
    git('init', '-q', '-b', 'main');
    git('add', '.');
    git('commit', '-qm', 'first');
    const repository = { kind: 'git', repository: path } as const;
    const baseCommit = git('rev-parse', 'HEAD');
    const before = git('for-each-ref');
    expect(await ask(repository, quiet)).toEqual({ look: 'miss' });
    expect(git('for-each-ref')).toBe(before); // nothing is made
    await run({
      ...{ step: 'look', attempt: 2, adapter: quiet.adapter },
      workspace: { spec: repository, path, branch: 'main', baseCommit },
    });
    expect(await ask(repository, quiet, after)).toEqual({ look: 'hit', after: 'unknown' });
    expect(readdirSync(path).sort()).toEqual(['.git', 'source.txt']);
  });

  test('is unknown in a workspace that is not here', async () => {
    const gone = { kind: 'directory', path: join(world.folder, 'gone') };
    expect(await ask(gone, { name: 'a', adapter: shell('true') })).toEqual({ a: 'unknown' });
  });
});

describe('how steps went before', () => {
  const runs = (durationMs: number) => [{ durationMs, costUsd: 0, attempt: 1, hit: false }];
  const bases = ({ steps }: HistoryAnswer) =>
    steps.map(({ basis, runs: [latest] }) => [basis, latest?.durationMs]);

  test('is that of the step with its adapter, else of its kind, else unknown', async () => {
    const steps = [
      { name: 'known', adapter: shell('sleep 1') },
      { name: 'alike', adapter: shell('sleep 2'), type: 'test' },
      { name: 'other', adapter: shell('sleep 3'), type: 'review' },
    ];
    world.history.set(stepKeyOf('known', shell('sleep 1')) ?? '', runs(1_000));
    world.history.set(kindKeyOf('shell', 'test'), runs(2_000));
    const answer = await answerHistory(one, planned({ kind: 'none' }, ...steps));
    expect(bases(answer)).toEqual([
      ['step', 1_000],
      ['kind', 2_000],
      ['unknown', undefined],
    ]);
    expect(answer.programsAtATime).toBe(3);
  });

  test('says of a program that is not there that it would fail', async () => {
    const adapter = { kind: 'program', argv: ['no-such-program'] };
    const answer = await answerHistory(one, planned({ kind: 'none' }, { name: 'a', adapter }));
    expect(answer.steps[0]?.trouble?.message).toContain('no-such-program');
  });
});
