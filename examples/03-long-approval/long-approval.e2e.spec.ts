/** The README beside this file, done as it says. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApprovalDocument, DirectiveDocument } from '@writ/contracts';
import { eventually, filledIn, readmeCommands, TestStack } from '@writ/testing';

jest.setTimeout(240_000);
const commands = readmeCommands(join(__dirname, 'README.md'));
const values: Record<string, string> = { STALE: `sha256:${'0'.repeat(64)}` };
let stack: TestStack;
let folder: string;

beforeAll(async () => {
  const [, people = ''] = /^WRIT_PEOPLE=(.*)$/.exec(commands.shift()?.argv[0] ?? '') ?? [];
  expect(people).toContain('ada=editor');
  expect(commands.shift()?.argv).toEqual(['up', '--detach']);
  stack = await TestStack.start({ WRIT_PEOPLE: people });
  folder = join(stack.home, 'example');
  cpSync(__dirname, folder, { recursive: true });
});

afterAll(() => stack?.stop());

const pending = () =>
  stack.json<ApprovalDocument[]>(['approvals', '--directive', values['DIRECTIVE'] ?? '']);
const show = () => stack.json<DirectiveDocument>(['show', values['DIRECTIVE'] ?? '']);
const statuses = async () =>
  Object.fromEntries((await show()).steps.map(({ name, status }) => [name, status]));

/** The next commands of the README, up to the one that says this; each ends as it says there. */
async function upTo(...words: string[]): Promise<string> {
  for (;;) {
    const { argv, code } = commands.shift()!;
    const filled = filledIn(argv, values);
    const done = await stack.writ(filled, { cwd: folder });
    expect({ argv: filled, ...done }).toEqual({ ...done, argv: filled, code });
    if (words.every((word) => argv.includes(word))) return done.stdout + done.stderr;
  }
}

async function learn(): Promise<void> {
  const [newest] = await stack.json<DirectiveDocument[]>(['list']);
  values['DIRECTIVE'] = newest?.id ?? '';
  const all = await pending();
  const of = (type: string) => all.find((it) => it.type === type)!;
  const [letter, question] = [of('step_review'), of('question')];
  Object.assign(values, { LETTER: letter.id, DIGEST: letter.digest });
  Object.assign(values, { QUESTION: question.id, ASKED: question.digest });
}

describe('a long approval', () => {
  it('is asked, and talked about, while what does not need it goes on', async () => {
    await upTo('run');
    await learn();
    expect(await statuses()).toEqual({
      ...{ letter: 'awaiting_approval', list: 'passed', recipients: 'awaiting_approval' },
      ...{ envelopes: 'pending', post: 'pending' },
    });
    await upTo('answer');
    const request = readFileSync(join(folder, 'REQUEST.md'), 'utf8');
    expect(request).toMatch(/^# Request: letter of A letter to customers\n/);
    expect(request).toContain(values['DIGEST']);
    expect(request).toContain('The prices are those of the list');
    expect(request).toContain('from January a seat costs 12 dollars');
  });

  it('waits as before when the stack was stopped and started', async () => {
    const before = await pending();
    await upTo('up');
    expect(await pending()).toEqual(before);
    const shown = await upTo('show', 'LETTER');
    expect(shown).toContain('dora: Since the list of November.');
  });

  it('keeps nobody else from going on', async () => {
    const why = await upTo('why');
    expect(why).toContain(values['LETTER']);
    expect(await statuses()).toMatchObject({
      ...{ letter: 'awaiting_approval', recipients: 'passed', envelopes: 'passed' },
      ...{ post: 'pending' },
    });
  });

  it('is given by two who have the role, with the digest and every item', async () => {
    const stale = await upTo('STALE');
    expect(stale).toContain('has another digest');
    await upTo('1');
    const approval = (await pending()).find(({ id }) => id === values['LETTER']);
    expect(approval).toMatchObject({ votes: [], quorum: 2, roles: ['editor'] });
    await upTo('all', 'ada');
    expect((await statuses())['letter']).toBe('awaiting_approval');
    await upTo('watch');
    const done = await show();
    expect(done).toMatchObject({ status: 'completed', criteria: [{ id: 'AC1', met: true }] });
    const review = done.approvals.find(({ id }) => id === values['LETTER']);
    expect(review?.votes).toMatchObject([
      { by: 'ada', decision: 'approve', ticks: [1, 2] },
      { by: 'bob', decision: 'approve', ticks: [1, 2], comment: 'good' },
    ]);
    const { digest = '' } = done.steps.at(-1)?.artifacts[0] ?? {};
    const { stdout } = await stack.writ(['logs', done.steps.at(-1)?.runId ?? '']);
    expect(digest).toMatch(/^sha256:/);
    expect(stdout).toContain('To: Jon, Hill 2');
    expect(commands.map(({ argv }) => argv)).toEqual([['down']]);
  });

  it('is for the chief when nobody has decided by the deadline', async () => {
    const file = join(folder, 'directive.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('deadlineMinutes: 1440', 'deadlineMinutes: 0.1'));
    expect((await stack.writ(['submit', file])).code).toBe(0);
    await eventually(() => learn().then(() => true, () => false), {
      ...{ what: 'the letter to be asked for', timeoutMs: 30_000 },
    });
    const letter = async () => (await pending()).find(({ id }) => id === values['LETTER']);
    await eventually(async () => (await letter())?.roles.includes('chief'), {
      ...{ what: 'the approval to be escalated', timeoutMs: 60_000 },
    });
    const asked = ['approve', values['LETTER'] ?? '', '--digest', values['DIGEST'] ?? ''];
    const said = await stack.writ([...asked, '--tick', 'all', '--as', 'ada']);
    expect(said.code).toBe(4);
  });
});
