/** The asking side on a clock of the test's own, over a wire that does what the test wants. */
import { manualClock } from '@writ/testing';
import type { Clock } from './bus-hooks';
import { PROGRESS_HEADER, Requests } from './requests';
import { noHeaders } from './wire';
import type { Wire, WireMessage } from './wire';

function asking() {
  const manual = manualClock();
  const clock: Clock = {
    now: () => manual.now().getTime(),
    time: () => manual.now().toISOString(),
    after: (ms, call) => manual.after(ms, call),
  };
  let hear: (message: WireMessage) => void = () => undefined;
  const asked: string[] = [];
  const wire = {
    maxPayload: 1_000_000,
    inbox: '_INBOX_test.1',
    publish: (_subject: string, _body: Uint8Array, _headers: unknown, replyTo?: string) => {
      asked.push(replyTo ?? '');
    },
    subscribe: (_: string, __: unknown, heard: typeof hear) => {
      hear = heard;
      return { drain: async () => undefined };
    },
    flush: async () => undefined,
  } satisfies Wire;
  const requests = new Requests(wire, clock, undefined);
  const say = (value: unknown, headers: WireMessage['headers'] = noHeaders) => {
    const body = Buffer.from(JSON.stringify(value));
    hear({ subject: asked[0]!, headers, body, replyTo: '', unheard: false });
  };
  /** Lets the question go out. */
  const sent = () => new Promise((resolve) => setImmediate(resolve));
  return { requests, wire, advance: (ms: number) => manual.advance(ms), say, sent };
}

describe('a query', () => {
  it('may take longer than its timeout as long as progress is told', async () => {
    const { requests, advance, say, sent } = asking();
    const seen: unknown[] = [];
    const options = { timeoutMs: 400, onProgress: (state: unknown) => seen.push(state) };
    const answer = requests.query('writ.query.s.list', {}, options);
    await sent();
    for (const percent of [25, 50, 75]) {
      await advance(399);
      say({ percent }, new Map([[PROGRESS_HEADER, '1']]));
    }
    await advance(399);
    say('done');
    expect(await answer).toBe('done');
    expect(seen).toEqual([{ percent: 25 }, { percent: 50 }, { percent: 75 }]);
  });

  it('fails when nothing is heard for that long, and says what may have happened', async () => {
    const { requests, advance, say, sent } = asking();
    const answer = requests.query('writ.query.s.list', {}, { timeoutMs: 400 });
    const failed = expect(answer).rejects.toThrow(/no answer .* within 400 ms; it may still be/);
    await sent();
    await advance(399);
    say(1, new Map([[PROGRESS_HEADER, '1']]));
    await advance(400);
    await failed;
  });

  it('that cannot be sent fails at once, and once', async () => {
    const { requests, wire, advance } = asking();
    wire.publish = () => {
      throw new Error('the connection is closed');
    };
    const lost: unknown[] = [];
    const note = (reason: unknown) => lost.push(reason);
    process.on('unhandledRejection', note);
    await expect(requests.query('writ.query.s.list', {})).rejects.toThrow('is closed');
    await advance(10_000); // beyond its timeout
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(lost).toEqual([]);
  });
});
