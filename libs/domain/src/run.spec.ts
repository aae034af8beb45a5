import * as fc from 'fast-check';
import { isRefusal, Retry, type RunEnded, type RunEvent } from '@writ/contracts';
import { DeciderHistory } from '@writ/testing';
import { retryDelayMs, runDecider, type FailedTry, type RunCommand, type RunState } from './run';

const runId = 'abcdefgh12345678-g1-collect-a1';
const digest = `sha256:${'a'.repeat(64)}`;
const at = '2026-01-01T00:01:00.000Z';

const run = {
  runId,
  directiveId: 'abcdefgh12345678',
  step: 'collect',
  attempt: 1,
  adapter: { kind: 'program', version: '1' },
  sandbox: 'S2',
  bundle: { hash: digest, components: {}, excluded: [] },
};

const claim = (
  executorId: string,
  more: { idempotent?: boolean; over?: number } = {},
): RunCommand => ({
  type: 'claim',
  run: { ...run, executorId, stages: [] },
  idempotent: false,
  over: 0,
  at,
  ...more,
});

const ended = (executorId: string, more: Partial<RunEnded> = {}): RunEnded => ({
  ...run,
  executorId,
  claim: 1,
  result: 'success',
  stages: [],
  attempts: [],
  exitCode: 0,
  artifacts: [],
  durationMs: 5,
  ...more,
});

const end = (executorId: string, more: Partial<RunEnded> = {}) =>
  ({ type: 'end', ended: ended(executorId, more) }) as const;

const failure = (executorId: string, attempt = 1, byClaim = 1) =>
  ({
    type: 'note-attempt',
    executorId,
    attempt: { attempt, claim: byClaim, startedAt: at, durationMs: 1, exitCode: 75 },
  }) as const;

const story = () => new DeciderHistory<RunState, RunCommand, RunEvent>(runDecider, `run-${runId}`);

describe('claiming', () => {
  test('the first executor gets claim 1', () => {
    expect(story().when(claim('one'))).toMatchObject([{ type: 'RunClaimed', data: { claim: 1 } }]);
  });

  test('while the lease lives nobody else gets the run', () => {
    const it = story();
    it.when(claim('one'));
    expect(it.typesWhen(claim('two', { idempotent: true }))).toEqual(['refused: superseded']);
  });

  test('an idempotent step is taken over when the lease has run out', () => {
    const it = story();
    it.when(claim('one'));
    expect(it.when(claim('two', { idempotent: true, over: 1 }))).toMatchObject([
      { type: 'RunClaimed', data: { claim: 2, executorId: 'two' } },
    ]);
  });

  test('of two that take over the same claim one is refused, however slow the other was', () => {
    for (const idempotent of [true, false]) {
      const it = story();
      it.when(claim('one'));
      it.when(claim('two', { idempotent: true, over: 1 }));
      expect(it.typesWhen(claim('three', { idempotent, over: 1 }))).toEqual([
        'refused: superseded',
      ]);
    }
  });

  test('a claim that is asked for again, since its answer was lost, is not made again', () => {
    const it = story();
    it.when(claim('one'));
    expect(it.typesWhen(claim('one'))).toEqual([]);
    it.when(claim('two', { idempotent: true, over: 1 }));
    expect(it.typesWhen(claim('two', { idempotent: true, over: 1 }))).toEqual([]);
  });

  test('nothing is taken over that was never claimed', () => {
    expect(story().typesWhen(claim('one', { over: 1 }))).toEqual(['refused: superseded']);
  });

  test('a step that is not idempotent ends in doubt instead of running again', () => {
    const it = story();
    it.when(claim('one'));
    it.when(failure('one'));
    expect(it.when(claim('two', { over: 1 }))).toMatchObject([
      {
        type: 'RunEnded',
        data: {
          result: 'failed',
          claim: 2,
          executorId: 'two',
          error: { kind: 'in_doubt', code: 'cut_off' },
          attempts: [{ exitCode: 75 }],
          stages: [{ name: 'processing', status: 'failed' }],
        },
      },
    ]);
  });

  test('a run that has ended is not claimed again', () => {
    const it = story();
    it.when(end('one'));
    expect(it.typesWhen(claim('two', { over: 1 }))).toEqual(['refused: superseded']);
  });
});

describe('ending', () => {
  test('an in-process step is claimed and ended in one event', () => {
    expect(story().typesWhen(end('one'))).toEqual(['RunEnded']);
  });

  test('the holder ends its run; the same end again decides nothing', () => {
    const it = story();
    it.when(claim('one'));
    expect(it.typesWhen(end('one'))).toEqual(['RunEnded']);
    expect(it.typesWhen(end('one'))).toEqual([]);
  });

  test('a second end that says something else is refused', () => {
    const it = story();
    it.when(end('one'));
    expect(it.typesWhen(end('one', { result: 'failed' }))).toEqual(['refused: superseded']);
  });

  test('the one that was taken over can neither end the run nor add to it', () => {
    const it = story();
    it.when(claim('one'));
    it.when(claim('two', { idempotent: true, over: 1 }));
    expect(it.when(end('one'))).toMatchObject({
      refused: 'superseded',
      message: expect.stringContaining('claim 2 belongs to two'),
    });
    expect(it.typesWhen(failure('one'))).toEqual(['refused: superseded']);
    expect(it.typesWhen(end('two', { claim: 2 }))).toEqual(['RunEnded']);
  });

  test('a claim that was never made cannot end a run', () => {
    expect(story().typesWhen(end('one', { claim: 2 }))).toEqual(['refused: superseded']);
  });
});

describe('tries', () => {
  test('each failed try is noted once', () => {
    const it = story();
    it.when(claim('one'));
    expect(it.typesWhen(failure('one'))).toEqual(['RunAttemptFailed']);
    expect(it.typesWhen(failure('one'))).toEqual([]);
    expect(it.typesWhen(failure('one', 2))).toEqual(['RunAttemptFailed']);
  });

  test('nothing is noted before a claim or after the end', () => {
    const it = story();
    expect(it.typesWhen(failure('one'))).toEqual(['refused: superseded']);
    it.when(claim('one'));
    it.when(end('one'));
    expect(it.typesWhen(failure('one'))).toEqual(['refused: superseded']);
  });
});

describe('whatever is asked of it, in whatever order', () => {
  const executor = fc.constantFrom('one', 'two', 'three');
  const command: fc.Arbitrary<RunCommand> = fc.oneof(
    fc
      .tuple(executor, fc.boolean(), fc.integer({ min: 0, max: 3 }))
      .map(([by, idempotent, over]) => claim(by, { idempotent, over })),
    fc
      .tuple(executor, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }))
      .map(([by, attempt, byClaim]) => failure(by, attempt, byClaim)),
    fc
      .tuple(executor, fc.integer({ min: 1, max: 3 }))
      .map(([by, byClaim]) => end(by, { claim: byClaim })),
  );

  test('a run ends at most once, claims only grow, a repeated end or note decides nothing', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 20 }), (commands) => {
        const it = story();
        for (const asked of commands) {
          const decided = it.when(asked);
          if (isRefusal(decided) || decided.length === 0 || asked.type === 'claim') continue;
          const again = it.when(asked);
          if (isRefusal(again) || again.length > 0) throw new Error('decided twice');
        }
        const types = it.events.map((event) => event.type);
        expect(types.filter((type) => type === 'RunEnded').length).toBeLessThanOrEqual(1);
        if (types.includes('RunEnded')) expect(types.at(-1)).toBe('RunEnded');
        const claims = it.events
          .filter((event) => event.type === 'RunClaimed')
          .map((event) => (event.data as { claim: number }).claim);
        expect(claims).toEqual(claims.map((_, index) => index + 1));
      }),
    );
  });
});

describe('whether a failed try is worth another', () => {
  const retry = Retry.parse({ retries: 2, baseDelayMs: 100, factor: 3, jitter: 0.5 });
  const failed = (more: Partial<FailedTry> = {}): FailedTry => ({
    error: { kind: 'exit', code: 'exit_75', message: '' },
    exitCode: 75,
    said: '',
    ...more,
  });

  test('an exit code of the list is, as often as retries says', () => {
    expect(retryDelayMs(retry, 1, failed(), 0.5)).toBe(100);
    expect(retryDelayMs(retry, 2, failed(), 0.5)).toBe(300);
    expect(retryDelayMs(retry, 3, failed(), 0.5)).toBeUndefined();
  });

  test('the pause is spread by the jitter', () => {
    expect(retryDelayMs(retry, 1, failed(), 0)).toBe(50);
    expect(retryDelayMs(retry, 1, failed(), 0.999)).toBe(150);
  });

  test('another exit code is only with a message of the list, in any case of letters', () => {
    expect(retryDelayMs(retry, 1, failed({ exitCode: 1 }), 0.5)).toBeUndefined();
    expect(retryDelayMs(retry, 1, failed({ exitCode: 1, said: 'Rate Limit hit' }), 0.5)).toBe(100);
    expect(retryDelayMs(retry, 1, failed({ exitCode: null, said: 'RATE LIMIT' }), 0.5)).toBe(100);
  });

  test('an error of a listed kind is, any other kind is not', () => {
    const of = (kind: FailedTry['error']['kind']) =>
      failed({ error: { kind, code: 'x', message: '' }, exitCode: null, said: 'rate limit' });
    expect(retryDelayMs(retry, 1, of('infrastructure'), 0.5)).toBe(100);
    expect(retryDelayMs(retry, 1, of('timeout'), 0.5)).toBeUndefined();
    const patient = Retry.parse({ ...retry, errors: ['timeout'] });
    expect(retryDelayMs(patient, 1, of('timeout'), 0.5)).toBe(100);
    for (const kind of ['invalid', 'cancelled', 'output', 'in_doubt'] as const) {
      expect(retryDelayMs(retry, 1, of(kind), 0.5)).toBeUndefined();
    }
  });

  test('no pause is longer than an hour before its jitter', () => {
    const slow = Retry.parse({ retries: 100, baseDelayMs: 600_000, factor: 10, jitter: 0 });
    expect(retryDelayMs(slow, 50, failed(), 0.5)).toBe(3_600_000);
  });
});
