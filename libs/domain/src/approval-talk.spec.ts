import { storyFile as file, DirectiveStory as Story } from '@writ/testing';
import { directiveDocument } from './directive-documents';

const asking = (approvals: object = {}) => {
  const story = new Story();
  story.create(file([{ name: 'one' }], { autonomy: 'manual', approvals }));
  story.end('one');
  const talk = (verb: 'ask' | 'answer', text: string, more: object = {}) =>
    story.typesWhen({
      ...{ type: 'talk', verb, text, by: 'ada', commandId: `talk-${story.events.length}` },
      ...{ approvalId: story.approval('one').request.approvalId },
      ...more,
    });
  const document = () => directiveDocument(story.directive).approvals[0];
  return { story, talk, document };
};

describe('a question about an approval', () => {
  it('is shown with its answers, and decides nothing', () => {
    const { story, talk, document } = asking();
    expect(talk('ask', 'why so long?')).toEqual(['ApprovalQuestionAsked']);
    expect(talk('ask', 'and this?')).toEqual(['ApprovalQuestionAsked']);
    expect(talk('answer', 'history', { by: 'bob' })).toEqual(['ApprovalQuestionAnswered']);
    expect(talk('answer', 'a test', { question: 2 })).toEqual(['ApprovalQuestionAnswered']);
    expect(document()).toMatchObject({
      status: 'pending',
      questions: [
        { question: 1, text: 'why so long?', by: 'ada', answers: [{ text: 'history', by: 'bob' }] },
        { question: 2, answers: [{ text: 'a test' }] },
      ],
    });
    expect(story.vote('one')).toContain('StepPassed');
  });

  it('stops no deadline, and does not keep anybody from deciding', () => {
    const { story, talk, document } = asking({ deadlineMinutes: 5 });
    const { deadline } = document() ?? {};
    talk('ask', 'why?');
    expect(document()?.deadline).toBe(deadline);
    const over = story.typesWhen({ type: 'note-deadline', now: deadline ?? '' });
    expect(over).toContain('StepBlocked');
  });

  it('is asked and answered once for one command', () => {
    const { story, talk } = asking();
    talk('ask', 'why?', { commandId: 'the-same' });
    expect(talk('ask', 'why?', { commandId: 'the-same' })).toEqual([]);
    expect(story.directive.answers.get('the-same')).toMatchObject({ verb: 'ask' });
  });

  it.each([
    ['that is no more', {}, 'stale', true],
    ['that nobody asked', { approvalId: 'abcdefgh12345678-g1-two-a1-review' }, 'not_found', false],
    ['with a number that is not there', { verb: 'answer', question: 3 }, 'not_found', false],
    ['when nothing is open', { verb: 'answer' }, 'not_found', false],
  ])('is refused about one %s', (_, more, code, decided) => {
    const { story, talk } = asking();
    if (decided) story.vote('one');
    expect(talk('ask', 'why?', more)).toEqual(['CommandRefused']);
    expect(story.events.at(-1)?.data).toMatchObject({ code });
  });
});
