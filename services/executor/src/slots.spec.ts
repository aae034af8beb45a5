import { Slots } from './slots';

const signal = new AbortController().signal;

test('no more than its size at a time, in the order of coming', async () => {
  const slots = new Slots(2);
  let running = 0;
  let most = 0;
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 10 }, async (_, at) => {
      const give = await slots.take(signal);
      order.push(at);
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      give();
      give();
    }),
  );
  expect(most).toBe(2);
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('whoever leaves while waiting takes no slot', async () => {
  const slots = new Slots(1);
  const give = await slots.take(signal);
  const controller = new AbortController();
  const leaving = slots.take(controller.signal);
  const staying = slots.take(signal);
  controller.abort(new Error('left'));
  await expect(leaving).rejects.toThrow('left');
  give();
  (await staying)();
  (await slots.take(signal))();
});
