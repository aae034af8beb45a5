/** Messages of others on core NATS: `overhear.ts`, O2 and O3. */
import { randomUUID } from 'node:crypto';
import { eventually } from '@writ/testing';
import type { BusWorld } from './bus-world.conformance';
import type { Overheard } from './overhear';

export function conformsInOverhearing({ connect }: BusWorld): void {
  describe('messages of others', () => {
    const some = () => `others-${randomUUID().slice(0, 8)}`;

    it('are heard once by all who share a name, as they are', async () => {
      const subject = some();
      const heard: string[] = [];
      const [one, other] = [await connect(), await connect()];
      const hear = (message: Overheard) => {
        heard.push(`${message.subject} ${Buffer.from(message.body).toString()}`);
        return Promise.resolve();
      };
      await one.overhear({ subject: `${subject}.>`, name: 'same' }, hear);
      await other.overhear({ subject: `${subject}.>`, name: 'same' }, hear);
      one.broadcast(`${subject}.a`, Buffer.from('not json'));
      one.broadcast(`${subject}.b.c`, Buffer.from('{}'));
      await eventually(() => heard.length === 2, { what: 'both messages' });
      expect(heard.sort()).toEqual([`${subject}.a not json`, `${subject}.b.c {}`]);
    });

    it('come one after the other, and again when a reaction throws', async () => {
      const subject = some();
      const seen: string[] = [];
      let under = 0;
      const bus = await connect();
      await bus.overhear({ subject, name: 'one' }, async ({ body }) => {
        under += 1;
        expect(under).toBe(1);
        await Promise.resolve();
        under -= 1;
        seen.push(Buffer.from(body).toString());
        if (seen.length === 1) throw new Error('not yet');
      });
      for (const text of ['1', '2']) bus.broadcast(subject, Buffer.from(text));
      await eventually(() => seen.length === 3, { what: 'the second try' });
      expect(seen).toEqual(['1', '1', '2']);
    });

    it('are not heard any more when it is closed', async () => {
      const subject = some();
      const heard: string[] = [];
      const bus = await connect();
      const hearing = await bus.overhear({ subject, name: 'one' }, () => {
        heard.push('first');
        return Promise.resolve();
      });
      await hearing.close();
      await bus.overhear({ subject, name: 'one' }, () => {
        heard.push('second');
        return Promise.resolve();
      });
      bus.broadcast(subject, Buffer.from('x'));
      await eventually(() => heard.length > 0, { what: 'the message' });
      expect(heard).toEqual(['second']);
    });
  });
}
