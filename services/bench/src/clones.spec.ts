import { MemoryLog, uuidV7 } from '@writ/event-log';
import type { NewEvent } from '@writ/contracts';
import { clone, readTemplate } from './clones';

const id = 'aaaabbbbccccdddd';
const hash = (letter: string) => `sha256:${letter.repeat(64)}`;

async function template() {
  const log = new MemoryLog();
  const first = uuidV7();
  const metadata = (causationId?: string) => ({
    commandId: '11111111-2222-4333-8444-555555555555',
    correlationId: id,
    ...(causationId === undefined ? {} : { causationId }),
    actor: { kind: 'service' as const, id: 'planner' },
  });
  const event = (type: string, data: object, more: Partial<NewEvent> = {}): NewEvent => {
    return { id: uuidV7(), type, schemaVersion: 1, data, metadata: metadata(first), ...more };
  };
  const directive = `directive-${id}`;
  const created = event('DirectiveCreated', {}, { id: first, metadata: metadata() });
  await log.append({ stream: directive, expectedVersion: 0, events: [created] });
  const runId = `${id}-g1-one-a1`;
  const ended = event('RunEnded', { runId, bundle: { excluded: [], hash: hash('c') } });
  await log.append({ stream: `run-${runId}`, expectedVersion: 0, events: [ended] });
  const completed = event('DirectiveCompleted', {});
  await log.append({ stream: directive, expectedVersion: 1, events: [completed] });
  const sealed = event('ManifestSealed', { subjectId: id });
  await log.append({ stream: `manifest-${id}`, expectedVersion: 0, events: [sealed] });
  await log.append({
    stream: 'directive-zzzzzzzzzzzzzzzz',
    expectedVersion: 0,
    events: [event('Other', {})],
  });
  return { log, template: await readTemplate(log, id) };
}

test('all streams of the directive are read, and nothing else', async () => {
  const { template: read } = await template();
  expect(read.events).toBe(4);
  expect(read.streams.map(({ stream }) => stream)).toEqual([
    `run-${id}-g1-one-a1`,
    `directive-${id}`,
    `manifest-${id}`,
  ]);
});

test('clones go into the log beside the original and beside each other', async () => {
  const { log, template: read } = await template();
  for (const number of [0, 1, 2]) {
    for (const append of clone(read, number)) await log.append(append);
  }
  const all = await log.readAll();
  expect(all).toHaveLength(5 + 3 * 4);
  const ends = all.filter(({ type }) => type === 'DirectiveCompleted');
  expect(new Set(ends.map(({ stream }) => stream)).size).toBe(4);
  for (const { stream } of ends) expect(stream).toMatch(/^directive-[a-z0-9]{16}$/);
});

test('whatever names the original names the clone, and what was caused still is', async () => {
  const { template: read } = await template();
  const [run, directive] = clone(read, 7);
  const cloned = directive?.stream.slice('directive-'.length) ?? '';
  expect(run?.stream).toBe(`run-${cloned}-g1-one-a1`);
  expect(JSON.stringify([run, directive])).not.toContain(id);
  expect(directive?.events[1]?.metadata.causationId).toBe(directive?.events[0]?.id);
});

test('what is cloned twice has other names the second time', async () => {
  const { log, template: read } = await template();
  for (const append of clone(read, 3)) await log.append(append);
  const again = await readTemplate(log, id);
  for (const append of clone(again, 3)) await log.append(append);
  expect(await log.readAll()).toHaveLength(5 + 2 * 4);
});

test('input bundles differ, so that each run has a place of its own in the cache', async () => {
  const { template: read } = await template();
  const bundleOf = (number: number) =>
    (clone(read, number)[0]?.events[0]?.data as { bundle: { hash: string } }).bundle.hash;
  expect(bundleOf(1)).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(bundleOf(1)).not.toBe(bundleOf(2));
});
