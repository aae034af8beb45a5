import type { RecordedEvent } from '@writ/contracts';
import { DirectiveStory as Story, storyFile as file } from '@writ/testing';
import { directiveDecider } from './directive';
import type { Directive } from './directive-state';

const COUNT = 40_000;
/** Of processor time: where each event copied what was before it, this would be 800 million entries. */
const LIMIT_MS = 8_000;

/** Folds so many events more, each like the one given but for its number. */
function foldedOn(story: Story, like: (number: number) => Partial<RecordedEvent>) {
  const last = story.events.at(-1) as RecordedEvent;
  let state = story.state;
  const began = process.cpuUsage();
  for (let number = 1; number <= COUNT; number += 1) {
    const version = last.version + number;
    const event = { ...last, ...like(number), version, position: last.position + number };
    state = directiveDecider.evolve(state, event);
  }
  const { user, system } = process.cpuUsage(began);
  return { state: state as Directive, ms: (user + system) / 1_000 };
}

const command = (number: number) => ({
  commandId: `command-${number}`,
  correlationId: 'c',
  actor: { kind: 'person' as const, id: 'alice' },
});

describe('an event of a long stream costs no more', () => {
  it('however many commands were answered before it', () => {
    const story = new Story();
    story.create(file([{ name: 'one' }]));
    const refused = { verb: 'start', code: 'illegal_transition', message: 'no' };
    const { state, ms } = foldedOn(story, (number) => {
      return { type: 'CommandRefused', data: refused, metadata: command(number) };
    });
    expect(state.answers.size).toBe(COUNT + 1);
    expect(ms).toBeLessThan(LIMIT_MS);
  });

  it('however often people were asked before it', () => {
    const story = new Story();
    story.create(file([{ name: 'one' }], { autonomy: 'manual' }));
    story.end('one');
    const { type, data } = story.events.at(-1) as RecordedEvent;
    expect(type).toBe('ApprovalRequested');
    const { state, ms } = foldedOn(story, (number) => {
      return { data: { ...(data as object), approvalId: `approval-${number}` } };
    });
    expect(state.approvals.size).toBe(COUNT + 1);
    expect(ms).toBeLessThan(LIMIT_MS);
  });

  it('however many steps there are', () => {
    const story = new Story();
    const steps = Array.from({ length: 2_000 }, (_, at) => ({ name: `step-${at}` }));
    story.create(file(steps, { limits: { maxParallelSteps: 1 } }));
    const { type } = story.events.at(-1) as RecordedEvent;
    expect(type).toBe('StepStarted');
    const { state, ms } = foldedOn(story, (number) => {
      return { data: { step: `step-${number % 2_000}`, runId: `run-${number}`, attempt: number } };
    });
    expect([...state.chain].every(({ status }) => status === 'running')).toBe(true);
    expect(ms).toBeLessThan(LIMIT_MS);
  });
});
