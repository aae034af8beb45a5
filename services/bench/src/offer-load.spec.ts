import { offerLoad, type Answer } from './offer-load';

test('comes at its rate, whether it is answered or not', async () => {
  const waiting: ((answer: Answer) => void)[] = [];
  const door = () => new Promise<Answer>((resolve) => waiting.push(resolve));
  const offering = offerLoad(door, () => '{}', { perSecond: 500, seconds: 0.2 });
  const late = setTimeout(() => waiting.forEach((answer) => answer(refused)), 400);
  const { offered, refused: count } = await offering;
  clearTimeout(late);
  expect(offered).toBeGreaterThan(80);
  expect(offered).toBeLessThanOrEqual(100);
  expect(count).toBe(offered);
});

const refused: Answer = { kind: 'refused', retryAfterMs: 1_000 };

test('what was accepted, refused and lost is told apart', async () => {
  const answers: Answer[] = [
    { kind: 'accepted', directiveId: 'a' },
    refused,
    { kind: 'lost', why: 'no answer' },
  ];
  let next = 0;
  const door = () => Promise.resolve(answers[next++ % 3]!);
  const told = await offerLoad(door, () => '{}', { perSecond: 300, seconds: 0.1 });
  const { accepted, lost, answerMs } = told;
  expect(accepted.length + told.refused + lost.length).toBe(told.offered);
  expect(Math.abs(accepted.length - lost.length)).toBeLessThanOrEqual(1);
  expect(answerMs).toHaveLength(accepted.length + told.refused);
  expect(accepted.every((id) => id === 'a')).toBe(true);
});
