/** What released versions have stored goes on being read: one sample of every event, one history. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  directiveEvents,
  evaluationEvents,
  manifestEvents,
  ruleEvents,
  runEvents,
  scheduleEvents,
  streamOf,
  workspaceEvents,
  type DirectiveDocument,
  type RecordedEvent,
} from '@writ/contracts';
import { directiveDecider, directiveDocument, runDecider, type Directive } from '@writ/domain';

const golden = (name: string): unknown =>
  JSON.parse(readFileSync(join(__dirname, '../../../contracts/src/golden', name), 'utf8'));

const schemas: Record<string, { parse(data: unknown): unknown }> = {
  ...directiveEvents,
  ...evaluationEvents,
  ...manifestEvents,
  ...ruleEvents,
  ...runEvents,
  ...scheduleEvents,
  ...workspaceEvents,
};
const stored = golden('events.json') as RecordedEvent[];
const { events, document } = golden('release-notes.json') as {
  events: RecordedEvent[];
  document: DirectiveDocument;
};

describe('a stored event', () => {
  it('has a sample for every type there is', () => {
    expect([...new Set(stored.map((event) => event.type))].sort()).toEqual(
      Object.keys(schemas).sort(),
    );
  });

  it.each(stored.map((event) => [`${event.type} ${event.schemaVersion}`, event] as const))(
    'is still read whole: %s',
    (_, event) => expect(schemas[event.type]?.parse(event.data)).toEqual(event.data),
  );
});

describe('a stored history', () => {
  it('folds to the directive that was shown then', () => {
    const own = events.filter((event) => event.stream === streamOf.directive(document.id));
    const state = own.reduce(
      (before, event) => directiveDecider.evolve(before, event),
      directiveDecider.initial,
    );
    expect(directiveDocument(state as Directive)).toEqual(document);
  });

  it('folds to runs that have ended', () => {
    const streams = new Set(events.map((it) => it.stream).filter((it) => it.startsWith('run-')));
    expect(streams.size).toBe(5);
    for (const stream of streams) {
      const own = events.filter((event) => event.stream === stream);
      const state = own.reduce((before, it) => runDecider.evolve(before, it), runDecider.initial);
      expect(state.status).toBe('ended');
    }
  });

  it('folds to the same in processes of other places and languages', () => {
    const fold = `
      const { canonicalJson } = require('@writ/contracts');
      const domain = require('@writ/domain');
      const { events } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
      const deciders = { directive: domain.directiveDecider, run: domain.runDecider };
      const states = {};
      for (const event of events) {
        const decider = deciders[event.stream.split('-')[0]];
        if (decider === undefined) continue;
        states[event.stream] = decider.evolve(states[event.stream] ?? decider.initial, event);
      }
      const plain = (key, value) => (value instanceof Map ? [...value] : value);
      process.stdout.write(canonicalJson(JSON.parse(JSON.stringify(states, plain))));`;
    const places = [
      { env: { TZ: 'UTC', LANG: 'C' }, flags: ['--random-seed=1'] },
      { env: { TZ: 'Pacific/Kiritimati', LANG: 'tr_TR.UTF-8' }, flags: ['--random-seed=2'] },
      { env: { TZ: 'America/St_Johns', LC_ALL: 'de_DE.UTF-8' }, flags: ['--random-seed=3'] },
    ];
    const folded = places.map(({ env, flags }) =>
      execFileSync(process.execPath, [...flags, '-e', fold], {
        cwd: __dirname,
        env,
        input: JSON.stringify({ events }),
        encoding: 'utf8',
      }),
    );
    expect(folded[0]).toContain('"completed"');
    expect(new Set(folded).size).toBe(1);
  });
});
