import { eventually } from '@writ/testing';
import { Places, placesOfEach, type PlaceCounts, type PlaceName } from './places';

const { signal } = new AbortController();
const counts: PlaceCounts = { ...placesOfEach(2), programs: 3, worker: 4 };

/** Who got a place so far, by name. */
function crowd(places: Places) {
  const got: string[] = [];
  const give = new Map<string, () => void>();
  return {
    got,
    give: (name: string) => give.get(name)?.(),
    come: (kind: 'program' | 'shell' | 'worker' | 'http', name: string, until = signal) =>
      places.take(kind, until).then((it) => {
        got.push(name);
        give.set(name, it);
      }),
  };
}

test('a kind has its places, programs and shells have some together, and others are not held up', async () => {
  const { got, come, give } = crowd(new Places(counts));
  for (const name of ['p1', 'p2', 'p3']) void come('program', name);
  for (const name of ['s1', 's2']) void come('shell', name);
  for (const name of ['w1', 'w2', 'w3', 'w4', 'w5']) void come('worker', name);
  await eventually(() => got.length === 7, { what: 'those that there are places for' });
  expect(got.sort()).toEqual(['p1', 'p2', 's1', 'w1', 'w2', 'w3', 'w4']);
  give('s1');
  await eventually(() => got.includes('s2'), { what: 'the second shell' });
  expect(got).not.toContain('p3');
  give('p1');
  await eventually(() => got.includes('p3'), { what: 'the third program' });
});

test('all together are no more than a machine may have, and whoever leaves takes no place', async () => {
  const { got, come, give } = crowd(new Places({ ...counts, all: 2 }));
  await come('program', 'p');
  await come('worker', 'w');
  const leaving = new AbortController();
  const left = come('http', 'left', leaving.signal);
  void come('http', 'h');
  leaving.abort(new Error('left'));
  await expect(left).rejects.toThrow('left');
  expect(got).toEqual(['p', 'w']);
  give('p');
  await eventually(() => got.includes('h'), { what: 'the request' });
});

test('in use and waiting are told as they change', async () => {
  const seen = new Map<PlaceName, string>();
  const places = new Places({ ...counts, http: 1 }, (name, { used, waitingFor }) => {
    seen.set(name, `${used}/${waitingFor}`);
  });
  const first = await places.take('http', signal);
  const second = places.take('http', signal);
  expect(Object.fromEntries(seen)).toEqual({ http: '1/1', all: '1/0' });
  first();
  (await second)();
  expect(Object.fromEntries(seen)).toEqual({ http: '0/0', all: '0/0' });
});
