import {
  isRefusal,
  type Occurrence,
  type ScheduleEvent,
  type ScheduleEventData,
  type ScheduleStatus,
} from '@writ/contracts';
import { DeciderHistory } from '@writ/testing';
import {
  legalOnSchedule,
  SAME_WORDS_MS,
  scheduleDecider,
  type Checked,
  type ScheduleCommand,
} from './schedule';
import { scheduleDocument } from './schedule-documents';
import type { Schedule, ScheduleState } from './schedule-state';

type Spec = ScheduleEventData<'ScheduleCreated'>;

const id = 'schedule12345678';
const cron: Spec = {
  name: 'nightly',
  trigger: { kind: 'cron', cron: '0 6 * * *', timezone: 'UTC' },
  overlap: 'skip',
  catchUp: 'last',
  directive: { title: 't' },
  contentDigest: `sha256:${'a'.repeat(64)}`,
};
const subject: Spec = {
  ...cron,
  trigger: { kind: 'subject', subject: 'orders.>', variablesFrom: {} },
  overlap: 'allow',
};

class Story extends DeciderHistory<ScheduleState, ScheduleCommand, ScheduleEvent> {
  constructor(spec: Partial<Spec> = {}, base = cron) {
    super(scheduleDecider, `schedule-${id}`);
    const whole = { ...base, ...spec };
    this.when({ type: 'create', commandId: 'create-1', scheduleId: id, spec: whole });
  }

  get schedule(): Schedule {
    return this.state as Schedule;
  }

  tick(now: string, times: string[], more: Partial<{ ended: string[]; from: string }> = {}) {
    const { ended = [], from } = more;
    const due = times.map((it) => one(it));
    const first = from === undefined ? {} : { from };
    return this.when({
      type: 'tick',
      now,
      due,
      ended: new Set(ended),
      ...first,
    }) as ScheduleEvent[];
  }

  hear(key: string, at = '2026-01-02T00:00:00Z', more: Partial<Checked> = {}): ScheduleEvent[] {
    const heard = { ...one(at, 'subject', key), ...more };
    return this.when({ type: 'hear', heard, ended: new Set() }) as ScheduleEvent[];
  }

  get lastDirective(): string {
    return this.schedule.firings.at(-1)?.directiveId ?? '';
  }
}

const one = (time: string, by: Occurrence['by'] = 'cron', key = time): Checked => ({
  occurrence: { by, scheduledFor: time, key, variables: {} },
});
const brief = (events: readonly ScheduleEvent[]) =>
  events.map(({ type, data }) => {
    const when = 'scheduledFor' in data ? data.scheduledFor : '';
    return `${type.slice('Schedule'.length)} ${when}`.trim();
  });
const at = (time: string) => `2026-01-02T${time}Z`;

const ways: Record<ScheduleStatus, (story: Story) => void> = {
  active: () => undefined,
  paused: (story) => story.when({ type: 'pause', commandId: 'p' }),
  removed: (story) => story.when({ type: 'remove', commandId: 'r' }),
};
const byVerb = {
  pause: { type: 'pause', commandId: 'x', reason: 'why' },
  resume: { type: 'resume', commandId: 'x' },
  remove: { type: 'remove', commandId: 'x' },
  fire: { type: 'fire', commandId: 'x', asked: one(at('00:00:00'), 'hand', 'x') },
} as const satisfies Record<string, ScheduleCommand>;
const becomes = { pause: 'paused', resume: 'active', remove: 'removed', fire: undefined } as const;

describe('a command to a schedule', () => {
  const verbs = Object.keys(byVerb) as (keyof typeof byVerb)[];
  const cells = verbs.flatMap((verb) =>
    (Object.keys(ways) as ScheduleStatus[]).map((status) => [verb, status] as const),
  );

  it.each(cells)('%s, when it is %s, does what is legal or says what would be', (verb, status) => {
    const story = new Story();
    ways[status](story);
    const decided = story.when(byVerb[verb]);
    if (legalOnSchedule[verb].includes(status)) {
      expect(isRefusal(decided)).toBe(false);
      expect(story.schedule.status).toBe(becomes[verb] ?? status);
    } else {
      const legal = verbs.filter((it) => legalOnSchedule[it].includes(status));
      expect(decided).toMatchObject({
        refused: 'illegal_transition',
        details: { from: status, verb, legal },
      });
      expect(story.schedule.status).toBe(status);
    }
  });

  it.each(verbs)('%s makes nothing more when it comes again', (verb) => {
    const story = new Story();
    if (verb === 'resume') ways.paused(story);
    expect(story.when(byVerb[verb])).toHaveLength(1);
    expect(story.when(byVerb[verb])).toEqual([]);
    expect(story.schedule.answers.get('x')).toMatchObject({ verb });
  });

  it('is refused when there is no such schedule', () => {
    const none = new DeciderHistory(scheduleDecider, `schedule-${id}`);
    expect(none.typesWhen(byVerb.pause)).toEqual(['refused: not_found']);
  });

  it('creates once: the same again is nothing, another under its id or name is refused', () => {
    const story = new Story();
    const again = { type: 'create', commandId: 'create-1', scheduleId: id, spec: cron } as const;
    expect(story.when(again)).toEqual([]);
    const other = { ...cron, contentDigest: `sha256:${'b'.repeat(64)}` };
    expect(story.typesWhen({ ...again, spec: other })).toEqual(['refused: command_reused']);
    expect(story.typesWhen({ ...again, commandId: 'c2' })).toEqual(['refused: already_exists']);
    ways.paused(story);
    expect(story.typesWhen({ ...again, commandId: 'p' })).toEqual(['refused: command_reused']);
    expect(story.typesWhen({ type: 'resume', commandId: 'p' })).toEqual([
      'refused: command_reused',
    ]);
  });

  it('fires by hand while the last directive runs, and not one that would be wrong', () => {
    const story = new Story();
    story.tick(at('06:00:01'), [at('06:00:00')]);
    expect(story.typesWhen(byVerb.fire)).toEqual(['ScheduleFired']);
    const problem = { reason: 'invalid', message: 'no' } as const;
    const asked = { ...byVerb.fire.asked, problem };
    expect(story.typesWhen({ type: 'fire', commandId: 'y', asked })).toEqual([
      'refused: invalid_directive',
    ]);
  });
});

describe('a time', () => {
  it('fires once, however often it is looked at', () => {
    const story = new Story();
    expect(brief(story.tick(at('06:00:01'), [at('06:00:00')]))).toEqual([
      `Fired ${at('06:00:00')}`,
    ]);
    expect(story.tick(at('06:00:02'), [at('06:00:00')], { ended: [story.lastDirective] })).toEqual(
      [],
    );
  });

  it('makes a directive whose id follows from it alone', () => {
    const [one, other] = [new Story(), new Story()];
    one.tick(at('06:00:01'), [at('06:00:00')]);
    other.when({ type: 'fire', commandId: 'x', asked: byVerb.fire.asked });
    other.tick(at('06:00:09'), [at('06:00:00')], { ended: [other.lastDirective] });
    expect(other.lastDirective).toBe(one.lastDirective);
    expect(new Set(other.schedule.firings.map((it) => it.directiveId)).size).toBe(2);
  });

  it('does nothing in a schedule that is paused, and what passed then is not missed', () => {
    const story = new Story();
    ways.paused(story);
    expect(story.tick(at('06:00:01'), [at('06:00:00')])).toEqual([]);
    story.when({ type: 'resume', commandId: 'resume' });
    expect(Date.parse(story.schedule.upTo)).toBeGreaterThan(Date.UTC(2026, 0, 1));
    expect(story.tick(at('06:00:01'), ['2026-01-01T00:00:00Z'])).toEqual([]);
  });

  it('is skipped, on record, when its directive would be wrong', () => {
    const story = new Story();
    const problem = { reason: 'invalid', message: 'the file is no more' } as const;
    const due = [{ ...one(at('06:00:00')), problem }];
    const [event] = story.when({
      ...{ type: 'tick', now: at('06:00:01'), due, ended: new Set() },
    }) as ScheduleEvent[];
    expect(event).toMatchObject({ type: 'ScheduleSkipped', data: problem });
    expect(story.schedule.lastSkipped).toMatchObject(problem);
  });
});

describe('while the last directive has not ended', () => {
  const fourTimes = (overlap: Spec['overlap']) => {
    const story = new Story({ overlap });
    const seconds = ['06:00:01', '06:00:02', '06:00:03', '06:00:04'];
    const came = seconds.flatMap((it) => brief(story.tick(at(it), [at(it)])));
    return { story, came };
  };

  it('skip skips', () => {
    const { story, came } = fourTimes('skip');
    expect(came).toEqual([
      `Fired ${at('06:00:01')}`,
      ...['06:00:02', '06:00:03', '06:00:04'].map((it) => `Skipped ${at(it)}`),
    ]);
    expect(story.schedule).toMatchObject({ fired: 1, skipped: 3 });
    const ended = [story.lastDirective];
    expect(brief(story.tick(at('06:00:05'), [at('06:00:05')], { ended }))).toEqual([
      `Fired ${at('06:00:05')}`,
    ]);
  });

  it('allow goes on', () => {
    expect(fourTimes('allow').came.every((it) => it.startsWith('Fired'))).toBe(true);
  });

  it('buffer-one keeps the first, and fires it when the directive has ended', () => {
    const { story, came } = fourTimes('buffer-one');
    expect(came.map((it) => it.split(' ')[0])).toEqual(['Fired', 'Buffered', 'Skipped', 'Skipped']);
    expect(story.schedule.waiting?.scheduledFor).toBe(at('06:00:02'));
    const ended = [story.lastDirective];
    expect(brief(story.tick(at('06:00:05'), [at('06:00:05')], { ended }))).toEqual([
      `Fired ${at('06:00:02')}`,
      `Buffered ${at('06:00:05')}`,
    ]);
    story.when({ type: 'remove', commandId: 'r' });
    expect(story.schedule.waiting).toBeNull();
  });

  it('one that was refused stands in nobody’s way', () => {
    const story = new Story();
    story.tick(at('06:00:01'), [at('06:00:00')]);
    const directiveId = story.lastDirective;
    const refused = { type: 'note-refused', directiveId, code: 'c', message: 'm' } as const;
    expect(story.typesWhen(refused)).toEqual(['ScheduleDirectiveRefused']);
    expect(story.when(refused)).toEqual([]);
    expect(brief(story.tick(at('07:00:01'), [at('07:00:00')]))).toEqual([
      `Fired ${at('07:00:00')}`,
    ]);
  });
});

describe('times that passed while no planner was there', () => {
  const missed = [at('01:00:00'), at('02:00:00'), at('03:00:00')];
  const after = (catchUp: Spec['catchUp'], more: string[] = [], from?: string) => {
    const story = new Story({ catchUp, overlap: 'allow' });
    return story.tick(at('03:30:00'), [...missed, ...more], from === undefined ? {} : { from });
  };

  it('none: are skipped', () => {
    const events = after('none');
    expect(brief(events)).toEqual([`Skipped ${missed[2]}`]);
    expect(events[0]?.data).toMatchObject({ from: missed[0], reason: 'missed' });
    expect(events[0]?.data).toMatchObject({ message: expect.stringMatching(/^3 times/) as string });
  });

  it('last: the last is made up for, unless one is due now', () => {
    expect(brief(after('last'))).toEqual([`Skipped ${missed[1]}`, `Fired ${missed[2]}`]);
    const now = at('03:29:59');
    expect(brief(after('last', [now]))).toEqual([`Skipped ${missed[2]}`, `Fired ${now}`]);
  });

  it('all: all of them are, in order', () => {
    expect(brief(after('all'))).toEqual(missed.map((it) => `Fired ${it}`));
  });

  it('the record says from when, also of those that are too many to name', () => {
    const [skipped] = after('none', [], '2026-01-01T12:00:00Z');
    expect(skipped?.data).toMatchObject({ from: '2026-01-01T12:00:00Z' });
    expect(skipped?.data).toMatchObject({
      message: expect.stringMatching(/^more than 3/) as string,
    });
  });

  it('all that are due within what a look takes fire, whatever the policy', () => {
    const story = new Story({ catchUp: 'none', overlap: 'allow' });
    const seconds = ['06:00:01', '06:00:02', '06:00:03'].map(at);
    expect(brief(story.tick(at('06:00:04'), seconds))).toEqual(seconds.map((it) => `Fired ${it}`));
  });
});

describe('a message', () => {
  it('with an id makes one directive, however often it comes', () => {
    const story = new Story({}, subject);
    expect(brief(story.hear('message-id:1'))).toEqual([`Fired ${at('00:00:00')}`]);
    expect(story.hear('message-id:1', '2026-03-01T00:00:00Z')).toEqual([]);
    expect(story.hear('message-id:2')).toHaveLength(1);
  });

  it('that comes again when it is forgotten leads to the same directive', () => {
    const story = new Story({}, subject);
    story.hear('message-id:first');
    const first = story.lastDirective;
    for (let count = 0; count < 600; count += 1) story.hear(`message-id:${count}`);
    story.hear('message-id:first');
    expect(story.lastDirective).toBe(first);
  });

  it('without one counts as the same for a while, by its words', () => {
    const story = new Story({}, subject);
    const first = at('00:00:00');
    const later = (ms: number) => new Date(Date.parse(first) + ms).toISOString();
    expect(story.hear('digest:a', first)).toHaveLength(1);
    expect(story.hear('digest:a', later(SAME_WORDS_MS - 1))).toEqual([]);
    expect(story.hear('digest:a', later(SAME_WORDS_MS))).toHaveLength(1);
    expect(new Set(story.schedule.firings.map((it) => it.directiveId)).size).toBe(2);
  });

  it('is skipped, on record, when it cannot be read, and is then the same as well', () => {
    const story = new Story({}, subject);
    const problem = { reason: 'unreadable', message: 'no text' } as const;
    expect(brief(story.hear('message-id:1', at('00:00:00'), { problem }))).toEqual([
      `Skipped ${at('00:00:00')}`,
    ]);
    expect(story.hear('message-id:1')).toEqual([]);
  });

  it.each(['paused', 'removed'] as const)('to a schedule that is %s is let go', (status) => {
    const story = new Story({}, subject);
    ways[status](story);
    expect(story.hear('message-id:1')).toEqual([]);
  });
});

it('a schedule shows its firings, the newest last, and forgets the oldest', () => {
  const story = new Story({ overlap: 'allow' }, subject);
  for (let count = 0; count < 130; count += 1) story.hear(`message-id:${count}`);
  const shown = scheduleDocument(story.schedule, { next: [], listening: 'core NATS' });
  expect(shown.firings).toHaveLength(100);
  expect(shown.firings.at(-1)).toEqual(shown.lastFired);
  expect(shown).toMatchObject({ id, status: 'active', fired: 130, listening: 'core NATS' });
});

it('the events of one schedule fold at more than ten thousand a second', () => {
  const story = new Story({}, subject);
  story.hear('message-id:1');
  const [created, fired] = story.events;
  let state = scheduleDecider.evolve(scheduleDecider.initial, created!);
  const began = performance.now();
  for (let version = 2; version <= 20_000; version += 1) {
    const data = { ...(fired!.data as object), key: `message-id:${version}` };
    state = scheduleDecider.evolve(state, { ...fired!, version, data });
  }
  expect(performance.now() - began).toBeLessThan(2_000);
  expect((state as Schedule).fired).toBe(19_999);
});
