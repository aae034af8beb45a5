import { openMemoryStore } from '@writ/content-store';
import {
  DirectiveManifest,
  type ManifestSealed,
  type RecordedEvent,
  RunManifest,
  streamOf,
  verifyManifest,
} from '@writ/contracts';
import { MemoryLog } from '@writ/event-log';
import { createRegistry, metricsOf } from '@writ/observability';
import { createHash } from 'node:crypto';
import { DirectiveHistory } from './directive-history';
import { Sealing } from './seal-manifests';

const id = 'abcdefgh12345678';
const sha256 = (text: string) => createHash('sha256').update(text).digest();
const tx = { query: () => Promise.resolve([]) } as never;

let log: MemoryLog;
const content = openMemoryStore();
const newSealing = (given: { log?: object; engineVersion?: string } = {}) =>
  new Sealing({
    log,
    content,
    engineVersion: '1.0.0',
    metrics: metricsOf(createRegistry('manifest', 'test'), 'manifest'),
    ...given,
  } as ConstructorParameters<typeof Sealing>[0]);
const apply = (sealing: Sealing, events: readonly RecordedEvent[]) =>
  sealing.projection.apply(events as never, tx);

const accountEvents = () =>
  log.readAll({ streamPrefixes: ['directive-', 'run-', 'evaluation-'], limit: 10_000 });
const seals = async () =>
  (await log.readAll({ streamPrefixes: ['manifest-'], limit: 10_000 })).map(
    (event) => event.data as ManifestSealed,
  );
const textOf = async (digest: string) => Buffer.from(await content.get(digest)).toString();
const manifestOf = async (subject: string): Promise<unknown> => {
  const [seal] = await log.lastEvents([streamOf.manifest(subject)]);
  return JSON.parse(await textOf((seal?.data as ManifestSealed).digest));
};

/** A directive of three steps: one evaluated, one without checks, one that fails its checks. */
async function history(directiveId = id): Promise<void> {
  const directive = new DirectiveHistory(log, directiveId);
  const checked = { verify: [{ kind: 'files', paths: ['x'] }] };
  await directive.create([
    { name: 'one', ...checked },
    { name: 'two', dependsOn: ['one'] },
    { name: 'three', dependsOn: ['two'], ...checked },
  ]);
  await directive.runEnds('one');
  await directive.evaluates('one', 'green');
  await directive.runEnds('two');
  await directive.runEnds('three');
  await directive.evaluates('three', 'red');
}

beforeEach(() => {
  log = new MemoryLog({ now: () => new Date('2026-01-01T00:00:00Z') });
});

it('seals every run and the directive, as canonical text with its digest in the log', async () => {
  await history();
  await apply(newSealing(), await accountEvents());
  const sealed = await seals();
  expect(sealed.map(({ kind, subjectId }) => [kind, subjectId])).toEqual([
    ['run', `${id}-g1-one-a1`],
    ['run', `${id}-g1-two-a1`],
    ['run', `${id}-g1-three-a1`],
    ['directive', id],
  ]);
  for (const { digest, bytes } of sealed) {
    const text = await textOf(digest);
    expect(text.length).toBe(bytes);
    expect(verifyManifest(JSON.parse(text), sha256, digest)).toMatchObject({ ok: true, digest });
  }
  const run = RunManifest.parse(await manifestOf(`${id}-g1-one-a1`));
  expect(run).toMatchObject({
    engineVersion: '1.0.0',
    validation: { confidence: { level: 'green' } },
  });
  const directive = DirectiveManifest.parse(await manifestOf(id));
  expect(directive.status).toBe('failed');
  const digests = sealed.slice(0, 3).map(({ digest }) => digest);
  expect(directive.steps.map((step) => step.manifestDigest)).toEqual(digests);
});

it('seals the same, whatever the batches and wherever a process ended', async () => {
  await history();
  await history('zzzzzzzz12345678');
  const events = await accountEvents();
  await apply(newSealing(), events);
  const expected = sorted(await seals());
  expect(expected).toHaveLength(8);
  for (let cut = 0; cut <= events.length; cut += 1) {
    log = await copyOf(events);
    const first = newSealing();
    for (const event of events.slice(0, cut)) await apply(first, [event]);
    // Another process goes on: where that one was, or a few events before it.
    await apply(newSealing(), events.slice(Math.max(0, cut - 3)));
    expect(sorted(await seals())).toEqual(expected);
  }
});

it('seals what is missing when the log was away in the middle of a batch', async () => {
  await history();
  let left = 2;
  const failing = {
    readAll: (asked: object) => log.readAll(asked),
    lastEvents: (streams: string[]) => log.lastEvents(streams),
    append: (append: Parameters<MemoryLog['append']>[0]) => {
      if (left === 0) return Promise.reject(new Error('the log is away'));
      left -= 1;
      return log.append(append);
    },
  };
  const sealing = newSealing({ log: failing });
  await expect(apply(sealing, await accountEvents())).rejects.toThrow('the log is away');
  expect(await seals()).toHaveLength(2);
  left = 100;
  await apply(sealing, await accountEvents());
  expect(await seals()).toHaveLength(4);
  await apply(sealing, await accountEvents());
  expect(await seals()).toHaveLength(4);
});

it('seals no directive whose runs it does not find sealed', async () => {
  await history();
  const forgetful = {
    readAll: (asked: object) => log.readAll(asked),
    lastEvents: () => Promise.resolve([]),
    append: (append: Parameters<MemoryLog['append']>[0]) => log.append(append),
  };
  const events = await accountEvents();
  await expect(apply(newSealing({ log: forgetful }), events)).rejects.toThrow(/is not in the log/);
  expect((await seals()).map(({ kind }) => kind)).toEqual(['run', 'run', 'run']);
  await apply(newSealing(), events);
  expect(await seals()).toHaveLength(4);
});

it('seals once what two processes seal at the same moment', async () => {
  await history();
  const events = await accountEvents();
  await Promise.all([apply(newSealing(), events), apply(newSealing(), events)]);
  const sealed = await seals();
  expect(new Set(sealed.map(({ subjectId }) => subjectId)).size).toBe(sealed.length);
  expect(sealed).toHaveLength(4);
});

it('names the manifests that were sealed, also when a newer version seals the directive', async () => {
  await history();
  const events = await accountEvents();
  const last = events.length - 1;
  await apply(newSealing({ engineVersion: '1.0.0' }), events.slice(0, last));
  const [one] = await seals();
  await apply(newSealing({ engineVersion: '2.0.0' }), events.slice(last));
  const directive = DirectiveManifest.parse(await manifestOf(id));
  expect(directive.engineVersion).toBe('2.0.0');
  expect(directive.steps[0]?.manifestDigest).toBe(one?.digest);
});

it('seals the run that ends after its directive was stopped', async () => {
  const directive = new DirectiveHistory(log, id);
  await directive.create([{ name: 'one' }]);
  await directive.stop();
  const sealing = newSealing();
  await apply(sealing, await accountEvents());
  expect((await seals()).map(({ kind }) => kind)).toEqual(['directive']);
  await directive.runEnds('one', { result: 'cancelled' });
  await apply(sealing, await accountEvents());
  expect((await seals()).map(({ kind }) => kind)).toEqual(['directive', 'run']);
  expect(await manifestOf(`${id}-g1-one-a1`)).toMatchObject({ result: 'cancelled' });
});

it('takes accounts up again that it has forgotten', async () => {
  await history();
  const sealing = newSealing();
  for (const event of await accountEvents()) {
    await apply(sealing, [event]);
    sealing.interrupted();
  }
  expect(await seals()).toHaveLength(4);
});

const sorted = (all: readonly ManifestSealed[]) =>
  [...all].sort((a, b) => (a.subjectId < b.subjectId ? -1 : 1));

/** A log with the same events at the same places, and nothing sealed. */
async function copyOf(events: readonly RecordedEvent[]): Promise<MemoryLog> {
  const copy = new MemoryLog({ now: () => new Date('2026-01-01T00:00:00Z') });
  for (const { stream, version, id: eventId, type, schemaVersion, data, metadata } of events) {
    const event = { id: eventId, type, schemaVersion, data, metadata };
    await copy.append({ stream, expectedVersion: version - 1, events: [event] });
  }
  return copy;
}
