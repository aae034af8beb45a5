import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFolderStore } from '@writ/content-store';
import { queries, type RecordedEvent, streamOf, subjects } from '@writ/contracts';
import { MemoryLog } from '@writ/event-log';
import { connectHandlers, MemoryBus } from '@writ/messaging';
import { createLogger, createRegistry, metricsOf } from '@writ/observability';
import type { ManifestAnswer } from './answer-manifest';
import type { EventPage } from './answer-events';
import { DirectiveHistory } from './directive-history';
import type { Keeper } from './keeper';
import { Sealing } from './seal-manifests';
import { ManifestSubscriptions } from './subscriptions';
import { Uploads } from './uploads';

const id = 'abcdefgh12345678';
const other = 'zzzzzzzz12345678';

/** The manifest service on memory; it seals when an answer waits for it. */
async function startKeeper() {
  const dir = mkdtempSync(join(tmpdir(), 'writ-manifest-'));
  const log = new MemoryLog();
  const bus = new MemoryBus();
  const content = await openFolderStore(dir);
  const metrics = metricsOf(createRegistry('manifest', 'test'), 'manifest');
  const sealing = new Sealing({ log, content, engineVersion: '1.0.0', metrics });
  const keeper: Keeper = {
    ...{ log, content, metrics },
    logger: createLogger({ service: 'manifest', instance: 'test', level: 'silent' }),
    uploads: new Uploads({ contentDir: dir, content }),
    sealedUpToNow: async () => {
      const { streamPrefixes = [] } = sealing.projection;
      const tx = { query: () => Promise.resolve([]) } as never;
      await sealing.projection.apply(await log.readAll({ streamPrefixes }), tx);
    },
    verification: { url: 'postgres://nowhere' },
    rebuild: () => Promise.reject(new Error('not asked for here')),
  };
  await connectHandlers(bus, new ManifestSubscriptions(keeper));
  const ask = <T>(query: { service: string; name: string }, question: object) =>
    bus.query(subjects.query(query.service, query.name), question) as Promise<T>;
  return { dir, log, bus, keeper, content, ask };
}

let here: Awaited<ReturnType<typeof startKeeper>>;
beforeEach(async () => {
  here = await startKeeper();
});
afterEach(async () => {
  await here.bus.drain(1_000);
  rmSync(here.dir, { recursive: true, force: true });
});

const history = async (directiveId = id) => {
  const directive = new DirectiveHistory(here.log, directiveId);
  await directive.create([{ name: 'one' }]);
  await directive.runEnds('one');
};

describe('the query events', () => {
  it('gives the events of one directive in order, with their hashes', async () => {
    await history();
    await history(other);
    const { events, headPosition } = await here.ask<EventPage>(queries.events, { directiveId: id });
    expect(headPosition).toBe((await here.log.head()).position);
    expect(events.map((event) => event.type)).toEqual([
      'DirectiveCreated',
      'DirectiveStarted',
      'ChainActivated',
      'StepStarted',
      'RunEnded',
      'StepPassed',
      'DirectiveCompleted',
    ]);
    const recorded = (await here.log.readAll({})).filter((it) => it.metadata.correlationId === id);
    expect(events).toEqual(recorded.map(({ dataText: _, ...event }) => event));
  });

  it('gives a full page as long as there are more, and all events over the pages', async () => {
    for (let n = 0; n < 60; n += 1) await history(`directive${String(n).padStart(7, '0')}`);
    const all: RecordedEvent[] = [];
    for (let after = 0; ; after = all.at(-1)?.position ?? 0) {
      const { events } = await here.ask<EventPage>(queries.events, { after, limit: 150 });
      all.push(...events);
      if (events.length < 150) break;
    }
    expect(all.map((event) => event.position)).toEqual(
      Array.from({ length: 60 * 7 }, (_, index) => index + 1),
    );
  });

  it('refuses a question that does not fit', async () => {
    const asked = here.ask(queries.events, { limit: 5000 });
    await expect(asked).rejects.toMatchObject({ code: 'malformed' });
  });
});

describe('the query manifest', () => {
  it('gives text, digest and seal, also right after the end', async () => {
    await history();
    const answer = await here.ask<ManifestAnswer>(queries.manifest, { id: `${id}-g1-one-a1` });
    expect(answer.seal).toMatchObject({
      type: 'ManifestSealed',
      stream: streamOf.manifest(`${id}-g1-one-a1`),
      data: { digest: answer.digest, kind: 'run' },
    });
    expect(Buffer.from(await here.content.get(answer.digest)).toString()).toBe(answer.manifest);
    expect(await here.ask(queries.manifest, { id })).toMatchObject({ seal: { version: 1 } });
  });

  it('says not_found for what is not sealed or not there', async () => {
    const asked = here.ask(queries.manifest, { id: `${id}-g1-one-a1` });
    await expect(asked).rejects.toMatchObject({ code: 'not_found' });
    const strange = here.ask(queries.manifest, { id: '../x y' });
    await expect(strange).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('the queries for content', () => {
  it('take content in pieces and give it back in pieces', async () => {
    const text = Buffer.alloc(1_000_000, 'some text ');
    const size = 400_000;
    let stored: unknown;
    for (let offset = 0; offset < text.length; offset += size) {
      const bytes = text.subarray(offset, offset + size).toString('base64');
      const last = offset + size >= text.length;
      stored = await here.ask(queries.writeContent, { uploadId: 'u-1', bytes, offset, last });
    }
    const { digest } = stored as { digest: string };
    const read: Buffer[] = [];
    for (let offset = 0; offset < text.length;) {
      const piece = { digest, offset, length: size };
      const { bytes, total } = await here.ask<{ bytes: string; total: number }>(
        queries.readContent,
        piece,
      );
      expect(total).toBe(text.length);
      read.push(Buffer.from(bytes, 'base64'));
      offset += size;
    }
    expect(Buffer.concat(read).equals(text)).toBe(true);
  });

  it.each(['%%%%', 'YW=Jj', 'YWJ j'])('refuse %j, which is not base64', async (bytes) => {
    const asked = here.ask(queries.writeContent, { uploadId: 'u', bytes, offset: 0, last: true });
    await expect(asked).rejects.toMatchObject({ code: 'malformed' });
  });

  it('give nothing beyond the end and not_found for what is not there', async () => {
    const { digest } = await here.content.put(Buffer.from('abc'));
    expect(await here.ask(queries.readContent, { digest })).toEqual({ bytes: 'YWJj', total: 3 });
    const beyond = await here.ask(queries.readContent, { digest, offset: 9 });
    expect(beyond).toEqual({ bytes: '', total: 3 });
    const absent = here.ask(queries.readContent, { digest: `sha256:${'0'.repeat(64)}` });
    await expect(absent).rejects.toMatchObject({ code: 'not_found' });
  });
});
