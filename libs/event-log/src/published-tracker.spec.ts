import { encodeRanges } from './position-ranges';
import { PublishedTracker } from './published-tracker';

describe('PublishedTracker', () => {
  it('moves its cursor over what was reported, whoever reports it and in whatever order', () => {
    const tracker = new PublishedTracker();
    tracker.report(encodeRanges([[4, 6]]));
    expect([tracker.cursor, tracker.highest]).toEqual([0, 6]);
    tracker.published(2);
    expect(tracker.missing(8)).toEqual([
      [1, 1],
      [3, 3],
      [7, 8],
    ]);
    tracker.report(
      encodeRanges([
        [1, 1],
        [3, 3],
      ]),
    );
    expect([tracker.cursor, tracker.highest]).toEqual([6, 6]);
  });

  it('takes what moves its cursor also when it holds as much as it may', () => {
    const tracker = new PublishedTracker();
    for (let position = 2; position <= 300_000; position += 2) tracker.published(position);
    for (let position = 1; position <= 99; position += 2) tracker.published(position);
    expect(tracker.cursor).toBe(100);
  });

  it('forgets everything when it is about another log', () => {
    const tracker = new PublishedTracker();
    tracker.report(
      encodeRanges([
        [1, 5],
        [8, 9],
      ]),
    );
    tracker.startOver(2);
    expect([tracker.cursor, tracker.highest]).toEqual([2, 2]);
    expect(tracker.missing(9)).toEqual([[3, 9]]);
  });
});
