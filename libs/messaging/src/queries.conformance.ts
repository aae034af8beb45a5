/** Questions, answers and broadcasts, as every bus carries them. */
import { randomUUID } from 'node:crypto';
import { Unavailable } from '@writ/contracts';
import { eventually } from '@writ/testing';
import type { Attributes } from './bus';
import { QueryError } from './bus-errors';
import type { BusWorld } from './bus-world.conformance';

export function conformsInQueries({ connect }: BusWorld): void {
  const someQuery = () => `writ.query.s${randomUUID().slice(0, 8)}.list`;

  describe('a query', () => {
    it('is answered by one of those who answer', async () => {
      const subject = someQuery();
      const answered = [0, 0];
      for (const index of [0, 1]) {
        const bus = await connect(`answerer-${index}`);
        await bus.answer(subject, async (data) => {
          answered[index]! += 1;
          return { asked: data };
        });
      }
      const asker = await connect('asker');
      for (let n = 0; n < 20; n += 1) {
        expect(await asker.query(subject, { n })).toEqual({ asked: { n } });
      }
      expect(answered[0]! + answered[1]!).toBe(20);
    });

    it('may be about nothing and answered with nothing', async () => {
      const bus = await connect();
      const subject = someQuery();
      await bus.answer(subject, async (data) => data);
      expect(await bus.query(subject, undefined)).toBeNull();
    });

    it('hears of the progress before it is answered', async () => {
      const bus = await connect();
      const subject = someQuery();
      let seenByAsker = (): void => undefined;
      await bus.answer(subject, async (_, progress) => {
        for (const percent of [25, 50, 75]) {
          const seen = new Promise<void>((resolve) => (seenByAsker = resolve));
          progress({ percent });
          await seen;
        }
        return 'done';
      });
      const seen: unknown[] = [];
      const onProgress = (state: unknown) => {
        seen.push(state);
        seenByAsker();
      };
      expect(await bus.query(subject, {}, { onProgress })).toBe('done');
      expect(seen).toEqual([{ percent: 25 }, { percent: 50 }, { percent: 75 }]);
    });

    it('that is not answered in time ends in a TimeoutError', async () => {
      const bus = await connect();
      const subject = someQuery();
      let letGo = (): void => undefined;
      await bus.answer(subject, () => new Promise<void>((resolve) => (letGo = resolve)));
      const late = bus.query(subject, {}, { timeoutMs: 100 });
      await expect(late).rejects.toMatchObject({ name: 'TimeoutError' });
      letGo();
    });

    it('brings back the error of its answerer with its code', async () => {
      const bus = await connect();
      const subject = someQuery();
      await bus.answer(subject, async (question) => {
        if (question === 'known') throw new QueryError('not_found', 'there is none', { id: 7 });
        if (question === 'any') throw new Unavailable('the database is away');
        throw new Error('something broke');
      });
      const known = bus.query(subject, 'known');
      await expect(known).rejects.toMatchObject({
        name: 'QueryError',
        code: 'not_found',
        message: 'there is none',
        details: { id: 7 },
      });
      await expect(bus.query(subject, 'any')).rejects.toMatchObject({
        code: 'unavailable',
        message: 'the database is away',
      });
      await expect(bus.query(subject, 'other')).rejects.toMatchObject({
        code: 'internal',
        message: 'something broke',
      });
    });

    it('may be answered with something called error', async () => {
      const bus = await connect();
      const subject = someQuery();
      const answer = { result: 'failed', error: { code: 'a', message: 'b' } };
      await bus.answer(subject, async () => answer);
      expect(await bus.query(subject, {})).toEqual(answer);
    });

    it('says at once that nobody is there to answer it', async () => {
      const bus = await connect();
      const nobody = bus.query('writ.query.planner.directives', {}, { timeoutMs: 20_000 });
      await expect(nobody).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('planner'),
      });
    });

    it('is not heard any more by who stopped answering', async () => {
      const bus = await connect();
      const subject = someQuery();
      const answers = await bus.answer(subject, async () => 'here');
      expect(await bus.query(subject, {})).toBe('here');
      await answers.close();
      await expect(bus.query(subject, {})).rejects.toMatchObject({ code: 'unavailable' });
    });
  });

  describe('a broadcast', () => {
    it('is heard by everybody who listens now, as bytes', async () => {
      const [one, two] = [await connect('one'), await connect('two')];
      const topic = `writ.log.${randomUUID()}`;
      const heard: [string, string][] = [];
      for (const bus of [one, two]) {
        await bus.listen('writ.log.*', (subject, bytes) => {
          if (subject === topic) heard.push([subject, Buffer.from(bytes).toString('hex')]);
        });
      }
      one.broadcast(topic, Buffer.from([0, 255, 10]));
      const expected = [topic, '00ff0a'];
      await eventually(() => expect(heard).toEqual([expected, expected]), { what: 'both' });
    });

    it('is heard by the others when one listener does not bear it', async () => {
      const bus = await connect();
      const topic = `writ.log.${randomUUID()}`;
      await bus.listen(topic, () => {
        throw new Error('a defect');
      });
      const heard: string[] = [];
      await bus.listen(topic, (_, bytes) => heard.push(String(bytes)));
      bus.broadcast(topic, Buffer.from('one'));
      bus.broadcast(topic, Buffer.from('two'));
      await eventually(() => heard.length === 2, { what: 'both' });
      expect(heard).toEqual(['one', 'two']);
    });

    it('is not the only thing to listen to: events are heard on their way', async () => {
      const bus = await connect();
      const id = randomUUID();
      const heard: [unknown, Attributes | undefined][] = [];
      await bus.listen(`writ.event.run.${id}.>`, (_, bytes, attributes) => {
        heard.push([JSON.parse(Buffer.from(bytes).toString()), attributes]);
      });
      await bus.send({
        subject: `writ.event.run.${id}.RunEnded`,
        dataText: '{"result":"success"}',
        attributes: { id, type: 'writ.run.RunEnded', source: '/writ/executor', position: 9 },
      });
      await eventually(() => heard.length === 1, { what: 'the event' });
      expect(heard[0]?.[0]).toEqual({ result: 'success' });
      expect(heard[0]?.[1]).toMatchObject({ id, position: 9 });
    });

    it('is not heard any more by who stopped listening', async () => {
      const bus = await connect();
      const topic = `writ.log.${randomUUID()}`;
      const heard: string[] = [];
      const listening = await bus.listen(topic, (_, bytes) => heard.push(String(bytes)));
      await listening.close();
      const after = await bus.listen(topic, () => heard.push('after'));
      bus.broadcast(topic, Buffer.from('x'));
      await eventually(() => heard.length === 1, { what: 'the second listener' });
      expect(heard).toEqual(['after']);
      await after.close();
    });
  });
}
