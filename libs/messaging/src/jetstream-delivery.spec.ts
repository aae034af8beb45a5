import type { Msg, NatsConnection } from 'nats';
import { JetStreamDelivery } from './jetstream-delivery';

const REPLY = '$JS.ACK.WRIT_WORK.executor-program.3.17.42.1700000000000000000.5';
const REPLY_OF_A_DOMAIN = '$JS.ACK.hub.ACCOUNT.WRIT_WORK.executor-program.3.17.42.1700.5.token';

function taken(ackWaitMs: number, reply = REPLY) {
  const said: string[] = [];
  const connection = {
    info: { server_id: 'one' },
    isClosed: () => false,
    publish: (subject: string, word: Uint8Array) => {
      expect(subject).toBe(reply);
      said.push(Buffer.from(word).toString());
    },
  };
  const message = { subject: 'writ.work.echo', data: Buffer.from('{}'), reply };
  const delivery = new JetStreamDelivery(
    message as unknown as Msg,
    connection as unknown as NatsConnection,
    ackWaitMs,
  );
  return { delivery, said, connection };
}

describe('a delivery of JetStream', () => {
  it.each([REPLY, REPLY_OF_A_DOMAIN])('reads its place from %s', (reply) => {
    const { delivery } = taken(30_000, reply);
    expect(delivery).toMatchObject({ deliveryCount: 3, pending: 5 });
    expect(delivery.origin).toMatch(/^WRIT_WORK-17-1700/);
  });

  it('is ended once, with one word', () => {
    const { delivery, said } = taken(30_000);
    delivery.nak(1_500);
    delivery.ack();
    delivery.term();
    expect(said).toEqual(['-NAK {"delay": 1500000000}']);
    const { delivery: other, said: saidThere } = taken(30_000);
    other.nak(0);
    expect(saidThere).toEqual(['-NAK']);
  });

  it('asks for more time when a third of it has passed, not before', () => {
    const { delivery, said } = taken(30_000);
    const now = performance.now();
    delivery.keep(now + 9_000);
    expect(said).toEqual([]);
    delivery.keep(now + 10_500);
    delivery.keep(now + 11_000);
    expect(said).toEqual(['+WPI']);
  });

  it('that was held too long is not acknowledged: it is somebody else’s by now', () => {
    const { delivery, said } = taken(-1);
    delivery.keep(performance.now());
    delivery.ack();
    expect(said).toEqual([]);
  });

  it('says nothing to another server than the one it came from: that numbers others alike', () => {
    const { delivery, said, connection } = taken(30_000);
    expect(delivery.held).toBe(true);
    connection.info = { server_id: 'two' };
    expect(delivery.held).toBe(false);
    delivery.keep(performance.now() + 20_000);
    delivery.ack();
    expect(said).toEqual([]);
  });
});
