/** Schedules on a whole stack: by the clock, by messages of somebody else, and over the death of a planner. */
import { connect, type Socket } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  DirectiveDocument,
  DirectiveSummary,
  RecordedEvent,
  ScheduleDocument,
  ScheduleEventData,
} from '@writ/contracts';
import { eventually, TestStack } from '@writ/testing';

/** Speaks the text protocol over a bare socket, as anybody may. */
class Stranger {
  private heard = '';

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('utf8').on('data', (text: string) => {
      this.heard += text;
      if (text.includes('PING\r\n')) socket.write('PONG\r\n');
    });
  }

  static async at(url: string): Promise<Stranger> {
    const { hostname, port, username } = new URL(url);
    const stranger = new Stranger(connect(Number(port), hostname));
    const options = { verbose: false, headers: true, auth_token: username };
    stranger.socket.write(`CONNECT ${JSON.stringify(options)}\r\nSUB answers 1\r\nPING\r\n`);
    await stranger.hears('PONG');
    return stranger;
  }

  async makeStream(name: string, subject: string): Promise<void> {
    const body = JSON.stringify({
      name,
      subjects: [subject],
      retention: 'limits',
      storage: 'file',
    });
    const head = `PUB $JS.API.STREAM.CREATE.${name} answers ${Buffer.byteLength(body)}`;
    this.socket.write(`${head}\r\n${body}\r\n`);
    await this.hears('stream_create_response');
  }

  publish(subject: string, body: string, headers: Record<string, string> = {}): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `NATS/1.0\r\n${lines.join('')}\r\n`;
    const total = Buffer.byteLength(head) + Buffer.byteLength(body);
    this.socket.write(`HPUB ${subject} ${Buffer.byteLength(head)} ${total}\r\n${head}${body}\r\n`);
  }

  end(): void {
    this.socket.destroy();
  }

  private hears(word: string): Promise<unknown> {
    return eventually(() => this.heard.includes(word), { what: `the server to say ${word}` });
  }
}

const file = (title: string) => `title: ${title}
goal: 'order \${order}'
variables: { order: none }
chain:
  steps:
    - name: one
      adapter: { kind: echo, output: '\${order}' }
      verify: none
`;

let stack: TestStack;
let stranger: Stranger;

async function begin(env: NodeJS.ProcessEnv = {}): Promise<void> {
  stack = await TestStack.start(env);
  stranger = await Stranger.at((await stack.file()).natsUrl);
}
async function end(): Promise<void> {
  stranger?.end();
  await stack?.stop();
}

async function schedule(title: string, ...options: string[]): Promise<string> {
  const path = join(stack.home, `${title.replaceAll(' ', '-')}.yaml`);
  writeFileSync(path, file(title));
  const asked = ['schedule', 'create', path, ...options];
  return (await stack.json<{ scheduleId: string }>(asked)).scheduleId;
}
const show = (id: string) => stack.json<ScheduleDocument>(['schedule', 'show', id]);
const tell = (verb: string, id: string, ...more: string[]) =>
  stack.json<{ directiveId?: string; next: string[] }>(['schedule', verb, id, ...more]);
const made = async (title: string) =>
  (await stack.json<DirectiveSummary[]>(['list'])).filter((it) => it.title === title);
const until = (what: string, check: () => Promise<boolean>) =>
  eventually(check, { what, timeoutMs: 60_000, every: 200 });

describe('a schedule', () => {
  beforeAll(() => begin(), 120_000);
  afterAll(end, 60_000);

  it('by the clock makes a directive at each of its times, and one of each', async () => {
    const id = await schedule('each second', '--cron', '* * * * * *', '--overlap', 'allow');
    await until('four firings', async () => (await show(id)).fired >= 4);
    expect(await tell('pause', id)).toMatchObject({ next: [] });
    const { firings, next, skipped } = await show(id);
    expect(next).toEqual([]);
    expect(skipped).toBe(0);
    const seconds = firings.map((it) => Date.parse(it.scheduledFor) / 1000);
    expect(seconds).toEqual(seconds.map((_, at) => seconds[0]! + at));
    await until('all to be listed', async () => {
      return (await made('each second')).length === firings.length;
    });
    const ids = (await made('each second')).map((it) => it.id);
    expect(ids.sort()).toEqual(firings.map((it) => it.directiveId).sort());
  }, 120_000);

  it('fires by hand, once for each key, and its directive names what made it', async () => {
    const id = await schedule('by hand', '--cron', '0 6 * * *', '--timezone', 'Europe/Berlin');
    expect((await show(id)).next).toHaveLength(5);
    const { directiveId = '' } = await tell('fire', id, '--key', 'a');
    expect(await tell('fire', id, '--key', 'a')).toMatchObject({ directiveId });
    expect((await tell('fire', id, '--key', 'b')).directiveId).not.toBe(directiveId);
    const { stdout } = await stack.writ(['events', '--json']);
    const log = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as RecordedEvent);
    const fired = log.find(
      ({ type, data }) =>
        type === 'ScheduleFired' &&
        (data as ScheduleEventData<'ScheduleFired'>).directiveId === directiveId,
    );
    const created = log.find((event) => event.stream === `directive-${directiveId}`);
    expect(created?.metadata).toMatchObject({
      causationId: fired?.id,
      actor: { kind: 'service', id: `schedule:${id}` },
    });
    expect((await stack.writ(['schedule', 'remove', id])).code).toBe(0);
    expect((await stack.writ(['schedule', 'fire', id])).code).toBe(5);
    expect((await stack.writ(['schedule', 'show', 'nosuchschedule00'])).code).toBe(3);
  }, 120_000);

  it('by a subject makes one directive of a message, however often it comes', async () => {
    const order = ['--from', 'order=/order/id'];
    const id = await schedule('on an order', '--subject', 'orders.*.paid', ...order);
    expect(await show(id)).toMatchObject({ listening: 'core NATS' });
    const said = (order: string) => JSON.stringify({ order: { id: order } });
    for (const _ of [1, 2, 3])
      stranger.publish('orders.1.paid', said('A1'), { 'Nats-Msg-Id': '1' });
    stranger.publish('orders.2.made', said('no'));
    for (const _ of [1, 2]) stranger.publish('orders.2.paid', said('B2'));
    for (const _ of [1, 2]) stranger.publish('orders.3.paid', 'no JSON', { 'ce-id': '7' });
    await until('three directives', async () => (await show(id)).fired >= 3);
    await until('them to be listed', async () => (await made('on an order')).length === 3);
    const goals = await Promise.all(
      (await made('on an order')).map(async (it) => {
        return (await stack.json<DirectiveDocument>(['show', it.id])).goal;
      }),
    );
    expect(goals.sort()).toEqual(['order A1', 'order B2', 'order none']);
    expect(await show(id)).toMatchObject({ fired: 3, skipped: 0 });
  }, 120_000);

  it('on subjects of a stream misses nothing while the planner is dead', async () => {
    await stranger.makeStream('INVOICES', 'invoices.>');
    const id = await schedule('on an invoice', '--subject', 'invoices.>', '--from', 'order=/id');
    expect(await show(id)).toMatchObject({ listening: 'the stream INVOICES' });
    await stack.kill('planner');
    for (const number of [1, 2]) stranger.publish('invoices.new', JSON.stringify({ id: number }));
    stranger.publish('invoices.big', 'x'.repeat(40_000));
    await until('both', async () => (await made('on an invoice')).length === 2);
    await until('the third to be skipped', async () => (await show(id)).skipped === 1);
    expect((await show(id)).lastSkipped).toMatchObject({ reason: 'unreadable' });
  }, 120_000);

  it.each([
    [['--cron', '0 6 * *'], 'is not a cron expression'],
    [['--cron', '0 6 * * *', '--timezone', 'Europe/Berln'], 'did you mean "Europe/Berlin"?'],
    [['--cron', '0 0 30 2 *'], 'never comes'],
    [['--subject', 'writ.event.>'], 'subjects of Writ'],
    [['--subject', '>'], 'begins with a wildcard'],
    [['--subject', 'a.>', '--from', 'other=/x'], 'declares no variable "other"'],
    [[], 'either --cron or --subject'],
  ])('with %j is refused: %s', async (options, said) => {
    const path = join(stack.home, 'refused.yaml');
    writeFileSync(path, file('refused'));
    const { code, stderr } = await stack.writ(['schedule', 'create', path, ...options]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
  });
});

it('a firing whose planner dies before it makes the directive is made whole', async () => {
  try {
    await begin({ WRIT_FAILPOINTS: 'planner.after.append.ScheduleFired#1=crash' });
    const before = (await stack.file()).processes['planner']?.pid;
    const id = await schedule('after a death', '--subject', 'once');
    stranger.publish('once', '{}'); // core NATS has it no more when the planner is back
    await until('the planner to die', async () => {
      return (await stack.file()).processes['planner']?.pid !== before;
    });
    await until('the directive', async () => (await made('after a death')).length > 0);
    const [directive] = await made('after a death');
    const { firings, fired } = await show(id);
    expect(fired).toBe(1);
    expect(firings.map((it) => it.directiveId)).toEqual([directive?.id]);
  } finally {
    await end();
  }
}, 180_000);
