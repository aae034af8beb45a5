/** The README beside this file, done as it says. */
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DirectiveDiff, DirectiveDocument, RecordedEvent, Why } from '@writ/contracts';
import { eventually, readmeCommands, TestStack, type ReadmeCommand } from '@writ/testing';

jest.setTimeout(240_000);
const commands = readmeCommands(join(__dirname, 'README.md'));
const values: Record<string, string> = {};
let stack: TestStack;
let folder: string;

beforeAll(async () => {
  stack = await TestStack.start();
  folder = join(stack.home, 'example');
  cpSync(__dirname, folder, { recursive: true });
});

afterAll(() => stack?.stop());

/** The next command of the README, which has to be this one; it ends as it says there. */
async function next(verb: string): Promise<{ stdout: string; stderr: string }> {
  const { program, argv, code } = commands.shift() as ReadmeCommand;
  expect([program, argv[0]]).toEqual(['writ', verb]);
  const filled = argv.map((word) => word.replace(/[A-Z]{4,}/g, (it) => values[it] ?? it));
  const done = await stack.writ(filled, { cwd: folder });
  expect({ argv: filled, ...done }).toEqual({ ...done, argv: filled, code });
  return done;
}

const id = () => values['DIRECTIVE'] ?? '';
const show = (of = id()) => stack.json<DirectiveDocument>(['show', of]);
const statuses = ({ steps }: DirectiveDocument) =>
  Object.fromEntries(steps.map(({ name, status }) => [name, status]));

async function events(): Promise<RecordedEvent[]> {
  const { stdout } = await stack.writ(['events', '--directive', id(), '--json']);
  const lines = stdout.trim().split('\n');
  const all = lines.map((line) => JSON.parse(line) as RecordedEvent);
  return all.filter(({ stream }) => stream === `directive-${id()}`);
}

it('a plan goes back to the planner with what is wrong, and then is carried out', async () => {
  const copy = commands.shift() as ReadmeCommand;
  expect(copy).toMatchObject({ program: 'cp', argv: ['-r', 'programs', 'work'] });
  cpSync(join(folder, 'programs'), join(folder, 'work'), { recursive: true });
  expect(commands.shift()?.argv).toEqual(['up', '--detach']);
  await next('submit');
  const [newest] = await stack.json<DirectiveDocument[]>(['list']);
  values['DIRECTIVE'] = newest?.id ?? '';
  const waits = async () => {
    const { count, survey } = statuses(await show());
    return count === 'passed' && survey === 'running';
  };
  await eventually(waits, { what: 'the survey to run', timeoutMs: 60_000 });
  const { stdout } = await next('events');
  expect(stdout).toContain('colect');
  const all = await events();
  expect(all.find(({ type }) => type === 'PlanRejected')?.data).toMatchObject({
    ...{ attempt: 1, issues: [{ code: 'unknown_dependency' }] },
  });
  const begun = all.filter(({ type }) => type === 'PlanningStarted').map(({ data }) => data);
  expect(begun).toMatchObject([{ attempt: 1 }, { attempt: 2, issues: [{}] }]);
  await next('show');
  values['SURVEY'] = `${id()}-g1-survey`;
  await next('why');
});

it('a directive is replanned in the middle, and a late result of the chain before changes nothing', async () => {
  await next('replan');
  await next('watch');
  await next('events');
  const done = await show();
  expect(done).toMatchObject({ status: 'completed', generation: 2 });
  const passed = { collect: 'passed', count: 'passed', longest: 'passed', report: 'passed' };
  expect(statuses(done)).toEqual(passed);
  const late = await eventually(
    async () => (await events()).find(({ type }) => type === 'RunOrphaned') ?? false,
    { what: 'the run of the survey to end', timeoutMs: 30_000 },
  );
  expect((late as RecordedEvent).data).toMatchObject({ runId: `${id()}-g1-survey-a1` });
  expect(await show()).toMatchObject({ status: 'completed', steps: done.steps });
  const changes = {
    ...{ kept: ['collect'], changed: ['count', 'report'] },
    ...{ added: ['longest'], dropped: ['survey'] },
  };
  const chains = (await events()).filter(({ type }) => type === 'ChainActivated');
  expect(chains.at(-1)?.data).toMatchObject({ generation: 2, changes });
  expect(readFileSync(join(folder, 'work', 'report.txt'), 'utf8')).toBe(
    '11 words\nthe longest is "chain"\n',
  );
});

it('a directive is on record at every moment', async () => {
  const all = await events();
  const at = all.findLastIndex(({ type }) => type === 'PlanningStarted');
  values['BEFORE'] = String(all[at - 1]?.position);
  await next('state');
  const before = await stack.json<DirectiveDocument>([
    ...['state', id(), '--at', values['BEFORE']],
  ]);
  expect(before.generation).toBe(1);
  expect(statuses(before)).toMatchObject({ count: 'passed', survey: 'running' });
  values['REPORT'] = `${id()}-g2-report`;
  await next('why');
  const why = await stack.json<Why>(['why', values['REPORT']]);
  expect(why.state).toBe('passed');
  await next('diff');
});

it('a directive is forked from where its second chain began, with other limits', async () => {
  const all = await events();
  const there = all.findLast(({ type }) => type === 'ChainActivated');
  values['THERE'] = String(there?.position);
  const { stdout, stderr } = await next('fork');
  expect(stderr).toContain('kept: collect');
  values['FORK'] = stdout.trim().split('\n')[0] ?? '';
  await next('watch');
  const forked = await show(values['FORK']);
  expect(forked).toMatchObject({ status: 'completed' });
  expect(statuses(forked)).toEqual(statuses(await show()));
  await next('diff');
  const diff = await stack.json<DirectiveDiff>(['diff', id(), values['FORK']]);
  expect(diff.spec.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['/limits/maxParallelSteps', '/limits/maxReworkCycles']),
  );
  expect(commands.map(({ argv }) => argv)).toEqual([['down']]);
});
