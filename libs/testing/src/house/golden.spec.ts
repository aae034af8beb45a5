/** What released versions have stored goes on being read: one sample of every event, one history. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  directiveEvents,
  evaluationEvents,
  manifestEvents,
  runEvents,
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
  ...runEvents,
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
});
