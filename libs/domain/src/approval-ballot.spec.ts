import {
  storyFile as file,
  DirectiveStory as Story,
  type StoryStep as StepInput,
} from '@writ/testing';
import { directiveDocument } from './directive-documents';
import type { CastVote } from './directive-votes';
import { workOf } from './directive-work';

const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;
const made = (path: string, letter = 'a') => ({ path, digest: digestOf(letter), bytes: 1 });
const edit = (path: string, letter = 'b') => ({ path, digest: digestOf(letter), bytes: 2 });

const asking = (approvals: object = {}, step: Partial<StepInput> = {}, more: object = {}) => {
  const story = new Story();
  const two = { name: 'two', dependsOn: ['one'] };
  const steps = [{ name: 'one', ...step }, two];
  story.create(file(steps, { autonomy: 'manual', approvals, ...more }));
  story.end('one', { artifacts: [made('out.txt')] });
  return story;
};
const documentOf = (story: Story) => directiveDocument(story.directive).approvals[0];
const refusalOf = (story: Story) => story.events.at(-1)?.data as { code: string; message: string };
const by = (id: string): Partial<CastVote> => ({ by: { id } });

describe('a checklist', () => {
  const checklist = ['read the diff', 'ran it', 'told the team'];

  it.each([
    [undefined, '1 (read the diff), 2 (ran it), 3 (told the team)'],
    [[1, 3], '2 (ran it)'],
  ])('with %j ticked is refused, naming what is not', (ticks, missing) => {
    const story = asking({ checklist });
    expect(story.vote('one', { ticks })).toEqual(['CommandRefused']);
    const { code, message } = refusalOf(story);
    expect({ code, message }).toEqual({ code: 'incomplete', message: `not ticked: ${missing}` });
  });

  it.each(['all' as const, [3, 1, 2], [1, 1, 2, 3]])('with %j ticked is recorded', (ticks) => {
    const story = asking({ checklist });
    expect(story.vote('one', { ticks })).toContain('StepPassed');
    expect(documentOf(story)?.votes[0]).toMatchObject({ ticks: [1, 2, 3] });
  });

  it('is nothing to tick for whoever denies, and has no items that it has not', () => {
    const story = asking({ checklist });
    expect(story.vote('one', { ticks: [1, 2, 3, 4] })).toEqual(['CommandRefused']);
    expect(refusalOf(story).message).toBe('the checklist has 3 items; there is no 4');
    expect(story.vote('one', { decision: 'deny' })).toContain('StepBlocked');
  });
});

describe('an edit', () => {
  it('passes the step with the file of the person, who is named as its author', () => {
    const story = asking();
    expect(story.vote('one', { edits: [edit('out.txt')] })).toContain('StepPassed');
    const artifacts = story.directive.chain.get('one')?.run?.artifacts;
    expect(artifacts).toEqual([{ ...edit('out.txt'), authoredBy: 'alice' }]);
    const [next] = workOf(story.directive);
    expect(next?.data).toMatchObject({ dependencies: [{ step: 'one', artifacts }] });
  });

  it('goes with the merge in a repository', () => {
    const workspace = { kind: 'git', repository: '/r' };
    const story = new Story();
    story.create(file([{ name: 'one' }], { autonomy: 'manual', workspace }));
    const directiveId = story.directive.id;
    story.workspace({
      type: 'WorkspacePrepared',
      data: { directiveId, kind: 'git', path: '/r', branch: `writ/${directiveId}` },
    });
    story.end('one', { artifacts: [made('out.txt'), made('rest')], commit: 'c'.repeat(40) });
    expect(story.vote('one', { edits: [edit('out.txt')] })).toContain('StepMerging');
    const [work] = workOf(story.directive);
    expect(work?.data).toMatchObject({
      op: 'merge',
      commit: 'c'.repeat(40),
      edits: [{ ...edit('out.txt'), authoredBy: 'alice' }],
    });
  });

  it.each([
    ['a file that nobody made', [edit('other.txt')], {}, 'not_allowed'],
    ['a file twice', [edit('out.txt'), edit('out.txt', 'c')], {}, 'incomplete'],
    [
      'a directory',
      [edit('out.txt')],
      { workspace: { kind: 'directory', path: '/d' } },
      'not_available',
    ],
  ])('of %s is refused', (_, edits, more, code) => {
    const story = asking({}, {}, more);
    if ('workspace' in more) {
      const directiveId = story.directive.id;
      story.workspace({
        type: 'WorkspacePrepared',
        data: { directiveId, kind: 'directory', path: '/d' },
      });
      story.end('one', { artifacts: [made('out.txt')] });
    }
    expect(story.vote('one', { edits })).toEqual(['CommandRefused']);
    expect(refusalOf(story).code).toBe(code);
    expect(story.statusOf('one')).toBe('awaiting_approval');
  });

  it('may be a new file where the step says that it makes such', () => {
    const story = asking({}, { outputs: ['notes/*.md', 'out.txt'] });
    expect(story.vote('one', { edits: [edit('notes/new.md')] })).toContain('StepPassed');
    const paths = story.directive.chain.get('one')?.run?.artifacts.map(({ path }) => path);
    expect(paths).toEqual(['notes/new.md', 'out.txt']);
  });

  it('makes another subject of it: who approved before has approved something else', () => {
    const story = asking({ quorum: 2 });
    const before = documentOf(story)?.digest;
    story.vote('one', by('bob'));
    expect(story.vote('one', { edits: [edit('out.txt')] })).toEqual(['ApprovalVoted']);
    const { digest, votes } = documentOf(story) ?? {};
    expect(digest).not.toBe(before);
    expect(votes).toMatchObject([{ by: 'bob', superseded: true }, { by: 'alice' }]);
    // With the digest of what was seen before it, nobody decides any more.
    expect(story.vote('one', by('carol'))).toEqual(['CommandRefused']);
    expect(refusalOf(story)).toMatchObject({ code: 'stale', details: { digest } });
    expect(story.vote('one', { ...by('alice'), digest })).toEqual(['CommandRefused']);
    expect(story.vote('one', { ...by('bob'), digest })).toContain('StepPassed');
    const artifacts = story.directive.chain.get('one')?.run?.artifacts;
    expect(artifacts).toEqual([{ ...edit('out.txt'), authoredBy: 'alice' }]);
  });
});

it('what was seen of a diff is a part of the digest', () => {
  const asked = (diff: string) => {
    const story = new Story();
    story.create(file([{ name: 'one' }], { autonomy: 'manual' }));
    story.end('one', { diff: digestOf(diff) });
    return documentOf(story)?.digest;
  };
  expect(asked('a')).toBe(asked('a'));
  expect(asked('a')).not.toBe(asked('b'));
});

it('seed defect 30: a decision records who made it, and what he saw, ticked and said', () => {
  const story = asking({ checklist: ['read it'] });
  const { digest } = documentOf(story) ?? {};
  story.vote('one', { ticks: 'all', comment: 'fine', by: { id: 'ada', roles: ['lead'] } });
  const voted = story.events.find(({ type }) => type === 'ApprovalVoted');
  expect(voted?.data).toMatchObject({ by: 'ada', digest, ticks: [1], comment: 'fine' });
  const resolved = story.events.find(({ type }) => type === 'ApprovalResolved');
  expect(resolved?.data).toMatchObject({ by: ['ada'] });
});

it('seed defect 12: what is yellow waits for a person who is named, with a time and a number of votes', () => {
  const story = new Story();
  const verify = [{ kind: 'files', paths: ['x'], weight: 1 }];
  const approvals = { deadlineMinutes: 5, quorum: 2, roles: ['lead'] };
  story.create(file([{ name: 'one', verify }], { approvals }));
  story.end('one');
  story.evaluate('one', 'yellow');
  expect(story.statusOf('one')).toBe('awaiting_approval');
  expect(documentOf(story)).toMatchObject({ status: 'pending', quorum: 2, roles: ['lead'] });
  expect(documentOf(story)?.deadline).not.toBeNull();
  const now = documentOf(story)?.deadline ?? '';
  expect(story.typesWhen({ type: 'note-deadline', now })).toContain('StepBlocked');
});

it('seed defect 13: what is asked carries the confidence of this attempt, not of the one before', () => {
  const story = new Story();
  const verify = [{ kind: 'files', paths: ['x'] }];
  story.create(file([{ name: 'one', verify }], { autonomy: 'manual' }));
  story.attempt('one', 0.2);
  story.vote('one', { decision: 'rework', comment: 'again' });
  story.attempt('one', 1);
  const asked = directiveDocument(story.directive).approvals;
  expect(asked.map(({ context }) => context.confidence)).toEqual([
    { score: 0.2, level: 'red' },
    { score: 1, level: 'green' },
  ]);
});
