/**
 * A worker in TypeScript, over the client of NATS: turns its input around, in "seconds" if it says so.
 * NATS_URL, NATS_TOKEN and WRIT_WORKER say where and under which name it takes work.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, createInbox, type Msg } from 'nats';

interface Work {
  readonly protocol: number;
  readonly token: string;
  readonly replyTo: string;
  readonly cancelOn: string;
  readonly heartbeatMs: number;
  readonly input: { readonly seconds?: number } | null;
}

const { NATS_URL: servers, NATS_TOKEN: token, WRIT_WORKER: name = 'turn-typescript' } = process.env;
const queue = `$JS.API.CONSUMER.MSG.NEXT.WRIT_WORKERS.worker-${name}`;

async function main(): Promise<void> {
  const ever = { maxReconnectAttempts: -1, waitOnFirstConnect: true, reconnectTimeWait: 500 };
  const nats = await connect({ servers, token, name, ...ever });
  const inbox = createInbox();
  const coming = nats.subscribe(inbox)[Symbol.asyncIterator]();
  let next = coming.next();
  for (;;) {
    nats.publish(queue, '{"batch":1,"expires":4000000000}', { reply: inbox });
    const came = await Promise.race([next, pause(5_000)]);
    if (came === undefined) continue;
    next = coming.next();
    const message = came.value as Msg;
    if (message.data.length === 0) await pause(100);
    else await take(message);
  }

  /** Until it is answered, so often at most. True when it is answered with ok. */
  async function say(work: Work, worker: string, times: number, said: object): Promise<boolean> {
    const body = JSON.stringify({ token: work.token, worker, ...said });
    for (let nth = 0; nth < times; nth += 1) {
      try {
        const answer = await nats.request(work.replyTo, body, { timeout: 3_000 });
        const { ok } = answer.json<{ ok?: boolean }>();
        if (ok !== undefined) return ok;
      } catch {
        await pause(1_000); // nobody answers, or not now
      }
    }
    return false;
  }

  async function take(message: Msg): Promise<void> {
    const work = message.json<Work>();
    const worker = randomUUID();
    const speaks = work.protocol === 1;
    const mine = speaks && (await say(work, worker, 2, { kind: 'accepted' }));
    if (!speaks) await say(work, worker, 2, { kind: 'refused', reason: 'it speaks protocol 1' });
    message.respond('+ACK');
    if (mine) await carryOut(work, worker);
  }

  async function carryOut(work: Work, worker: string): Promise<void> {
    const cancelled = new AbortController();
    const beat = async () => {
      if (!(await say(work, worker, 20, { kind: 'heartbeat' }))) cancelled.abort();
    };
    const beating = setInterval(() => void beat(), work.heartbeatMs);
    const { signal } = cancelled;
    await pause((work.input?.seconds ?? 0) * 1_000, undefined, { signal }).catch(() => undefined);
    clearInterval(beating);
    if (signal.aborted) return;
    const turned = [...JSON.stringify(work.input)].reverse().join('');
    const artifacts = [{ path: 'turned', content: Buffer.from(turned).toString('base64') }];
    await say(work, worker, 20, { kind: 'result', outcome: 'success', artifacts });
  }
}

void main();
