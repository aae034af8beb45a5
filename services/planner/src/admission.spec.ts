import { setImmediate as turn } from 'node:timers/promises';
import { consumers, systemClock } from '@writ/contracts';
import { createLogger, createRegistry, metricsOf } from '@writ/observability';
import { Admission } from './admission';

/** A door before a server of which is said what waits there. */
function door({ maxWaiting = 1_000 } = {}) {
  const server = { work: 0, commands: 0, isAway: false, asked: 0 };
  let elapsed = 0;
  const admission = new Admission({
    bus: {
      backlog: async ([first]) => {
        server.asked += 1;
        if (server.isAway) throw new Error('no answer');
        const waiting = first === consumers.plannerCommands ? server.commands : server.work;
        return { waiting, inHands: 0 };
      },
    },
    clock: { ...systemClock, now: () => elapsed },
    random: () => 0,
    logger: createLogger({ service: 'planner', instance: 'test', level: 'silent' }),
    metrics: metricsOf(createRegistry('planner', 'test'), 'planner'),
    ...{ maxWaiting, maxUnfinished: 10_000 },
  });
  const enter = async () => {
    const refusal = await admission.enter(1);
    await turn(); // the look that it asked for is over
    return refusal?.message ?? 'in';
  };
  const pass = (ms: number) => void (elapsed += ms);
  /** Somebody comes at each look. */
  const comeFor = async (ms: number) => {
    for (let at = 0; at < ms; at += 250) {
      await enter();
      pass(250);
    }
  };
  return { server, admission, enter, pass, comeFor };
}

test('a crowd gets in as long as it gets shorter, and is refused when it does not', async () => {
  const { server, enter, comeFor } = door();
  server.commands = 400;
  await comeFor(2_750);
  expect(await enter()).toBe('in');
  await comeFor(500);
  expect(await enter()).toContain('more commands come than can be taken');
});

test('it opens when the crowd is gone, and bears the next one for less long', async () => {
  const { server, enter, pass, comeFor } = door();
  server.commands = 400;
  await comeFor(4_000);
  server.commands = 0;
  pass(250);
  expect(await enter()).toBe('in');
  server.commands = 400;
  await comeFor(1_000);
  expect(await enter()).toContain('more commands come');
});

test('between two looks as many get in as there was room for', async () => {
  const { server, enter, pass } = door({ maxWaiting: 10 });
  server.work = 7;
  await enter();
  pass(250);
  const answers = [];
  for (let at = 0; at < 8; at += 1) answers.push(await enter());
  expect(answers.filter((answer) => answer === 'in')).toHaveLength(3);
});

test('nobody is refused by an old look', async () => {
  const { server, enter, pass } = door({ maxWaiting: 10 });
  server.work = 10;
  await enter();
  pass(250);
  expect(await enter()).toContain('10 are the limit');
  server.work = 0;
  pass(60_000);
  expect(await enter()).toBe('in');
});

test('a server is asked when somebody wants in, and not more often than needed', async () => {
  const { server, enter, pass } = door();
  for (let at = 0; at < 100; at += 1) await enter();
  expect(server.asked).toBe(2);
  pass(60_000);
  await enter();
  expect(server.asked).toBe(4);
});

test('when nobody can say what waits, what was seen holds for a while, then all get in', async () => {
  const { server, enter, pass } = door({ maxWaiting: 1 });
  await enter();
  expect(await enter()).toContain('are the limit');
  server.isAway = true;
  pass(9_000);
  expect(await enter()).toContain('are the limit');
  pass(1_000);
  expect(await enter()).toBe('in');
});

test('work that is on its way to the server takes room', async () => {
  const { admission, enter, pass } = door({ maxWaiting: 2 });
  let stored: () => void = () => undefined;
  const sending = [1, 2].map(() =>
    admission.sending(new Promise<void>((resolve) => (stored = resolve))),
  );
  await enter();
  pass(250);
  await enter();
  expect(await enter()).toContain('are the limit');
  stored();
  await sending[1];
  pass(250);
  expect(await enter()).toBe('in');
});
