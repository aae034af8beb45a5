/** The watchdog over a scripted server: what it takes for broken, and what it keeps. */
import { eventually } from '@writ/testing';
import { NatsError } from 'nats';
import type { JetStreamManager, NatsConnection } from 'nats';
import { streams } from '@writ/contracts';
import { silentLogger } from './bus-hooks';
import { StreamWatchdog } from './stream-watchdog';
import type { Unanswered } from './stream-watchdog';
import { streamConfig } from './topology';

const { name } = streams.commands;
const REFUSED = { stream: name, error: { err_code: 10060 } };

interface Scene {
  stream: typeof streams.commands | typeof streams.dead;
  replicas: number;
  /** When the stream was made, as it is told one time after the other. */
  created: string[];
  messages: number;
  /** The sequences that can be read; undefined when nobody knows. */
  readable: number[] | undefined;
  consumers: { name: string; num_pending: number; num_ack_pending: number }[];
  /** What the server says to the message that it must refuse; undefined when it says nothing. */
  probed: object | undefined;
  /** The message itself is answered, late, but before the one behind it. */
  answersLate: boolean;
  heldByAnother: boolean;
}

const refusal = (code: number) => {
  const error = new NatsError('the server refuses', '400');
  error.api_error = { code: 400, err_code: code, description: '' };
  return error;
};

function scripted(changes: Partial<Scene> = {}) {
  const scene: Scene = {
    stream: streams.commands,
    replicas: 1,
    created: ['monday'],
    messages: 0,
    readable: [],
    consumers: [{ name: 'planner-commands', num_pending: 0, num_ack_pending: 0 }],
    probed: REFUSED,
    answersLate: false,
    heldByAnother: false,
    ...changes,
  };
  const did: string[] = [];
  const said: string[] = [];
  let silent = true;
  const manager = {
    streams: {
      info: async () => ({
        config: { ...streamConfig(scene.stream), num_replicas: scene.replicas },
        created: scene.created.length > 1 ? scene.created.shift() : scene.created[0],
        state: { messages: scene.messages, first_seq: 1, last_seq: scene.messages },
      }),
      getMessage: async (_: string, { seq }: { seq: number }) => {
        if (!scene.readable) throw new Error('timeout');
        if (!scene.readable.includes(seq)) throw refusal(10037);
      },
      delete: async (stream: string) => did.push(`delete ${stream}`),
    },
    consumers: {
      add: async () => {
        if (scene.heldByAnother) throw refusal(10148);
        did.push('hold');
        scene.consumers.push({ name: 'mending', num_pending: 0, num_ack_pending: 0 });
      },
      list: () => scene.consumers,
      delete: async () => did.push('let go'),
    },
  } as unknown as JetStreamManager;
  const connection = {
    request: async () => {
      did.push('probe');
      if (!scene.probed) throw new Error('timeout');
      if (scene.answersLate) silent = false;
      return { data: Buffer.from(JSON.stringify(scene.probed)) };
    },
  } as unknown as NatsConnection;
  const makeStreams = async () => void did.push('make');
  const logger = { ...silentLogger, warn: (_: object, words: string) => void said.push(words) };
  const table = Object.values(streams);
  const watchdog = new StreamWatchdog(connection, manager, table, makeStreams, logger);
  const message = (subject: string): Unanswered => ({
    subject,
    again: () => {
      did.push('publish');
      return () => silent;
    },
  });
  /** All that was done until it has looked. */
  const look = async (subject = 'writ.command.directive.create') => {
    watchdog.notice(message(subject));
    const next = () => [...watchdog['nextLook'].values()].every(Number.isFinite);
    await eventually(next, { what: 'the end of the look', every: 1 });
    return did;
  };
  return { look, said, did };
}

const probed = ['publish', 'probe'];
const mended = [...probed, 'hold', `delete ${name}`, 'make', 'publish'];
const kept = [...probed, 'hold', 'let go'];

describe('a stream that is deleted and made again', () => {
  it('drops what is sent to it, and has nothing', async () => {
    const { look, said } = scripted();
    expect(await look()).toEqual(mended);
    expect(said).toEqual([expect.stringContaining('dropped what was sent to it')]);
  });

  it('has messages that nobody can read any more', async () => {
    const consumers = [{ name: 'planner-commands', num_pending: 3, num_ack_pending: 0 }];
    expect(await scripted({ messages: 3, consumers }).look()).toEqual(mended);
  });

  it('has messages that were all handled, and could not be removed', async () => {
    expect(await scripted({ messages: 3, readable: [1, 3] }).look()).toEqual(mended);
  });
});

describe('a stream that stays as it is', () => {
  it('is slow: the answer comes before that to the message behind it', async () => {
    expect(await scripted({ answersLate: true }).look()).toEqual(probed);
  });

  it.each([
    ['says nothing at all', undefined],
    ['took what it had to refuse', { stream: name, seq: 7 }],
    ['is full', { stream: name, error: { err_code: 10077 } }],
    ['is not the one that was asked', { ...REFUSED, stream: 'OTHER' }],
  ])('%s', async (_, answer) => {
    expect(await scripted({ probed: answer }).look()).toEqual(probed);
  });

  it('is replicated, and does not answer in order', async () => {
    expect(await scripted({ replicas: 3 }).look()).toEqual([]);
  });

  it('is in memory, where no file can be lost', async () => {
    expect(await scripted().look('writ.work.echo')).toEqual([]);
  });

  it('is in the hands of another process', async () => {
    expect(await scripted({ heldByAnother: true }).look()).toEqual(probed);
  });

  it('was made again by another process meanwhile', async () => {
    const { look, said } = scripted({ created: ['monday', 'tuesday'] });
    expect(await look()).toEqual(kept);
    expect(said).toEqual([]);
  });

  it.each([
    ['the first', [1]],
    ['the last', [3]],
  ])('has a message that waits and can be read: %s', async (_, readable) => {
    const consumers = [{ name: 'planner-commands', num_pending: 1, num_ack_pending: 0 }];
    const { look, said } = scripted({ messages: 3, readable, consumers });
    expect(await look()).toEqual(kept);
    expect(said).toEqual([expect.stringContaining('it is kept yet')]);
  });

  it('has messages that can be read and no consumer yet', async () => {
    expect(await scripted({ messages: 3, readable: [1], consumers: [] }).look()).toEqual(kept);
  });

  it('has dead letters that can be read: a consumer does not take them out', async () => {
    const scene = { stream: streams.dead, probed: { ...REFUSED, stream: streams.dead.name } };
    const { look } = scripted({ ...scene, messages: 3, readable: [1] });
    expect(await look('writ.dead.failed')).toEqual(kept);
  });

  it('has a message in the hands of a consumer, whose acknowledgement names it by number', async () => {
    const consumers = [{ name: 'planner-commands', num_pending: 0, num_ack_pending: 1 }];
    expect(await scripted({ messages: 1, consumers }).look()).toEqual(kept);
  });

  it('cannot be read just now', async () => {
    const { look, said } = scripted({ messages: 3, readable: undefined });
    expect(await look()).toEqual([...probed, 'hold']);
    expect(said).toEqual([expect.stringContaining('no look at it is to be had')]);
  });

  it('was looked at a moment ago', async () => {
    const { look } = scripted({ answersLate: true });
    await look();
    expect(await look()).toEqual(probed);
  });
});
