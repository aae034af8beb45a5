import { createHash } from 'node:crypto';
import {
  DirectiveId,
  directiveIdFrom,
  directiveIdOf,
  RunId,
  runIdOf,
  streamOf,
  streamsOfDirective,
} from './ids';
import { consumers, eventSubject, streams } from './subjects';

const sha256 = (text: string) => createHash('sha256').update(text).digest();

describe('ids', () => {
  it('follow from the command that made the directive', () => {
    const id = directiveIdFrom('command-1', sha256);
    expect(directiveIdFrom('command-1', sha256)).toBe(id);
    expect(directiveIdFrom('command-2', sha256)).not.toBe(id);
    expect(DirectiveId.safeParse(id).success).toBe(true);
  });

  it('name the directive of a run', () => {
    const runId = runIdOf('abcdefghabcdefgh', 2, 'write-notes', 3);
    expect(runId).toBe('abcdefghabcdefgh-g2-write-notes-a3');
    expect(RunId.safeParse(runId).success).toBe(true);
    expect(directiveIdOf(runId)).toBe('abcdefghabcdefgh');
  });

  it.each(['../x', 'a.b-g1-x-a1', 'ABCDEFGHABCDEFGH-g1-x-a1', 'abcdefghabcdefgh-g1--a', ''])(
    'refuse %p as a run id',
    (text) => expect(RunId.safeParse(text).success).toBe(false),
  );

  it('keep the streams of a directive together by prefix, and apart from its neighbours', () => {
    const prefixes = streamsOfDirective('abcdefghabcdefgh');
    const own = [
      streamOf.directive('abcdefghabcdefgh'),
      streamOf.run('abcdefghabcdefgh-g1-x-a1'),
      streamOf.evaluation('abcdefghabcdefgh-g1-x-a1'),
      streamOf.workspace('abcdefghabcdefgh'),
      streamOf.manifest('abcdefghabcdefgh-g1-x-a1'),
    ];
    for (const stream of own) {
      expect(prefixes.some((prefix) => stream.startsWith(prefix))).toBe(true);
    }
    const other = streamOf.run('abcdefghabcdefgi-g1-x-a1');
    expect(prefixes.some((prefix) => other.startsWith(prefix))).toBe(false);
  });
});

describe('subjects', () => {
  it('name aggregate, id and type of an event', () => {
    expect(eventSubject('run-abcdefghabcdefgh-g1-x-a1', 'RunEnded')).toBe(
      'writ.event.run.abcdefghabcdefgh-g1-x-a1.RunEnded',
    );
  });

  it('are each in the stream that their consumer reads', () => {
    const byName = new Map<string, { subjects: readonly string[] }>(
      Object.values(streams).map((stream) => [stream.name, stream]),
    );
    for (const { stream, subject } of Object.values(consumers)) {
      const prefixes = byName.get(stream)?.subjects.map((it) => it.replace(/>$/, '')) ?? [];
      expect(prefixes.some((prefix) => subject.startsWith(prefix))).toBe(true);
    }
  });
});
