import {
  FailpointError,
  parseFailpoints,
  plannedPoints,
  type FailpointActions,
} from './failpoints';

const point = 'executor.after.append.RunEnded';

describe('the text of a plan', () => {
  test('names points, hits, actions and their times', () => {
    const text = `${point}#2=crash, planner.before.send.work=delay:500`;
    expect(parseFailpoints(text)).toEqual([
      { point, hit: 2, action: 'crash', ms: 0 },
      { point: 'planner.before.send.work', hit: 1, action: 'delay', ms: 500 },
    ]);
    expect(parseFailpoints('')).toEqual([]);
  });

  test('reaches points whose names have dashes and dots', () => {
    const [taken] = parseFailpoints('executor.before.take.executor-program#3=stop:7000');
    const name = 'executor.before.take.executor-program';
    expect(taken).toEqual({ point: name, hit: 3, action: 'stop', ms: 7000 });
  });

  test.each(['executor.append=crash', `${point}=explode`, `${point}#0=crash`, `${point}`])(
    '"%s" is refused with an example',
    (text) => {
      expect(() => parseFailpoints(text)).toThrow(/executor\.after\.append\.RunEnded#2=crash/);
    },
  );
});

describe('points under a plan', () => {
  const never = new Promise<never>(() => undefined);
  let done: string[];
  const actions: FailpointActions = {
    crash: (at) => (done.push(`crash ${at}`), never),
    stop: async (at, ms) => void done.push(`stop ${at} ${ms}`),
    delay: async (at, ms) => void done.push(`delay ${at} ${ms}`),
  };
  const points = (action: string) =>
    plannedPoints(parseFailpoints(`${point}#2=${action}`), actions);
  beforeEach(() => {
    done = [];
  });

  test('an action happens at its hit only', async () => {
    const { reach } = points('delay:5');
    expect(await reach(point)).toBe('go');
    expect(done).toEqual([]);
    await reach(point);
    await reach(point);
    await reach('executor.after.append.RunClaimed');
    expect(done).toEqual([`delay ${point} 5`]);
  });

  test('stop, throw and duplicate are what they say', async () => {
    const stop = points('stop:9');
    await stop.reach(point);
    expect(await stop.reach(point)).toBe('go');
    expect(done).toEqual([`stop ${point} 9`]);
    const failing = points('throw');
    await failing.reach(point);
    await expect(failing.reach(point)).rejects.toThrow(FailpointError);
    const twice = points('duplicate');
    await twice.reach(point);
    expect(await twice.reach(point)).toBe('again');
  });

  test('after a crash nothing goes on', async () => {
    const { reach } = points('crash');
    await reach(point);
    const after = reach(point).then(() => 'went on');
    expect(await Promise.race([after, Promise.resolve('nothing')])).toBe('nothing');
    expect(done).toEqual([`crash ${point}`]);
  });
});
