/**
 * What a worker has to stand. Each case is one sentence about the worker, and an orchestrator that does
 * what happens to orchestrators. After each the worker has to do the next piece of work as if nothing
 * had been; `run-conformance.ts` asks for that.
 */
import { WORKER_PROTOCOL } from '@writ/contracts';
import type { CutProxy } from './cut-proxy';
import type { Orchestrator, Piece } from './orchestrator';

export interface CaseWorld {
  readonly orchestrator: Orchestrator;
  readonly proxy: CutProxy;
  /** What the worker is asked to do, and what takes it longer. */
  readonly input: unknown;
  readonly slowInput: unknown;
  /** How long anything may take. */
  readonly patienceMs: number;
}

export interface Case {
  readonly name: string;
  /** Completes "the worker ...". */
  readonly promise: string;
  /** It needs work that takes a while. */
  readonly slow?: true;
  /** What is wrong, in one line; undefined when nothing is. */
  run(world: CaseWorld): Promise<string | undefined>;
}

const RETOLD = 2;
/** A worker that has been told to stop saying something may be saying it once more. */
const STILL_SAYING = 1;
const QUIET_MS = 8_000;

/** Until there is an end; and what is wrong with it. */
export async function isDone(piece: Piece, ms: number, wanted = 1): Promise<string | undefined> {
  const ended = () => piece.of('result').length >= wanted || piece.of('refused').length > 0;
  if (!(await piece.until(ended, ms))) {
    if (piece.unread.length > 0) return `it said what is of no known form: ${piece.unread[0]}`;
    if (piece.of('accepted').length === 0) return `it did not take the work within ${ms} ms`;
    return `it took the work and said its result ${piece.of('result').length} times, not ${wanted}, within ${ms} ms`;
  }
  if (piece.unread.length > 0) return `it said what is of no known form: ${piece.unread[0]}`;
  const [first] = piece.said;
  if (first?.message.kind !== 'accepted' && first?.message.kind !== 'refused') {
    return `it said ${first?.message.kind} before it had accepted`;
  }
  const wrong = piece.said.find(({ message }) => message.token !== piece.work.token);
  return wrong && `it said ${wrong.message.kind} with a token that is not that of the work`;
}

export const cases: readonly Case[] = [
  {
    name: 'does-work',
    promise: 'takes work, accepts it, and says a result',
    run: async ({ orchestrator, input, patienceMs }) => {
      const piece = await orchestrator.hand({ input });
      const wrong = await isDone(piece, patienceMs);
      if (wrong !== undefined || piece.of('result').length > 0) return wrong;
      return 'it refused the work; give it what it can do with --input';
    },
  },
  {
    name: 'unknown-members',
    promise: 'ignores members that it does not know',
    run: async ({ orchestrator, input, patienceMs }) => {
      const alter = ({ input: last, ...work }: object & { input: unknown }) => ({
        ...work,
        priority: { of: 'a later version', list: [1, { deep: null }] },
        input: last,
      });
      const piece = await orchestrator.hand({ input, alter });
      const wrong = await isDone(piece, patienceMs);
      if (wrong !== undefined || piece.of('result').length > 0) return wrong;
      return 'it refused work because of a member that it does not know';
    },
  },
  {
    name: 'other-protocol',
    promise: 'refuses work of another version of the protocol',
    run: async ({ orchestrator, input, patienceMs }) => {
      const alter = (work: object) => ({ ...work, protocol: WORKER_PROTOCOL + 1 });
      const piece = await orchestrator.hand({ input, alter });
      const spoke = await piece.until(() => piece.said.length > 0, patienceMs);
      if (!spoke)
        return 'it said nothing; "refused" with a reason tells people why nothing happens';
      const [first] = piece.said;
      return first?.message.kind === 'refused' ? undefined : `it said ${first?.message.kind}`;
    },
  },
  {
    name: 'delivered-twice',
    promise: 'leaves work alone that was delivered twice and has been taken',
    run: async ({ orchestrator, input, patienceMs }) => {
      const piece = await orchestrator.hand({ input }, 2);
      const wrong = await isDone(piece, patienceMs);
      if (wrong !== undefined) return wrong;
      await piece.until(() => piece.of('accepted').length > 1, patienceMs);
      await piece.until(() => piece.of('result').length > 1, QUIET_MS / 2);
      const denied = piece.of('accepted').filter(({ answer }) => answer?.ok === false);
      const names = new Set(denied.map(({ message }) => message.worker));
      const guilty = piece.of('result').find(({ message }) => names.has(message.worker));
      return guilty && 'it did the work although its "accepted" was answered with no';
    },
  },
  {
    name: 'slow-answer',
    promise: 'says its result again, the same, until it is answered, and then no more',
    run: async ({ orchestrator, input, patienceMs }) => {
      let results = 0;
      const piece = await orchestrator.hand({
        input,
        answerAfterMs: 500,
        answer: ({ kind }, usual) => {
          if (kind !== 'result') return usual;
          results += 1;
          return results > RETOLD ? usual : undefined;
        },
      });
      const wrong = await isDone(piece, patienceMs, RETOLD + 1);
      if (wrong !== undefined) return wrong;
      const outcomes = new Set(piece.of('result').map(({ message }) => JSON.stringify(message)));
      if (outcomes.size > 1) return 'it said another result when it said it again';
      const more = RETOLD + 1 + STILL_SAYING;
      const quiet = !(await piece.until(() => piece.of('result').length > more, QUIET_MS));
      return quiet ? undefined : 'it goes on saying its result after it was answered';
    },
  },
  {
    name: 'refused-result',
    promise: 'drops a result that is refused',
    run: async ({ orchestrator, input, patienceMs }) => {
      const stale = { ok: false, code: 'stale', message: 'it has become somebody else’s' } as const;
      const piece = await orchestrator.hand({
        input,
        answer: ({ kind }, usual) => (kind === 'result' ? stale : usual),
      });
      const wrong = await isDone(piece, patienceMs);
      if (wrong !== undefined) return wrong;
      const most = 1 + STILL_SAYING;
      const quiet = !(await piece.until(() => piece.of('result').length > most, QUIET_MS));
      return quiet ? undefined : 'it goes on saying a result that was refused';
    },
  },
  {
    name: 'late-cancel',
    promise: 'ignores the cancellation of work that it has ended',
    run: async ({ orchestrator, input, patienceMs }) => {
      const piece = await orchestrator.hand({ input });
      const wrong = await isDone(piece, patienceMs);
      orchestrator.cancel(piece);
      return wrong;
    },
  },
  {
    name: 'cut-connection',
    promise: 'connects again when it is cut off, and says its result then',
    run: async ({ orchestrator, proxy, input, patienceMs }) => {
      let cut = false;
      const piece = await orchestrator.hand({
        input,
        answer: ({ kind }, usual) => {
          if (kind !== 'result' || cut) return usual;
          cut = true;
          proxy.cut();
          setTimeout(() => proxy.heal(), 1_000);
          return undefined;
        },
      });
      return isDone(piece, patienceMs, 2);
    },
  },
  {
    name: 'oversized-input',
    promise: 'does or refuses work with the largest input that there may be',
    run: async ({ orchestrator, patienceMs }) => {
      const piece = await orchestrator.hand({ input: { padding: 'x '.repeat(130_000) } });
      return isDone(piece, patienceMs);
    },
  },
  {
    name: 'two-at-once',
    promise: 'keeps two pieces of work apart that come at once',
    run: async ({ orchestrator, input, patienceMs }) => {
      const pieces = await Promise.all([1, 2].map(() => orchestrator.hand({ input })));
      const wrong = await Promise.all(pieces.map((piece) => isDone(piece, patienceMs)));
      return wrong.find((it) => it !== undefined);
    },
  },
  {
    name: 'keeps-alive',
    promise: 'gives signs of life while it works',
    slow: true,
    run: async ({ orchestrator, slowInput, patienceMs }) => {
      const piece = await orchestrator.hand({ input: slowInput });
      const wrong = await isDone(piece, patienceMs);
      if (wrong !== undefined) return wrong;
      const times = piece.said.map(({ at }) => at);
      const silences = times.slice(1).map((at, index) => at - (times[index] ?? at));
      const longest = Math.round(Math.max(...silences));
      const most = 4 * piece.work.heartbeatMs;
      return longest > most ? `it said nothing for ${longest} ms; ${most} are the end` : undefined;
    },
  },
  {
    name: 'stops-when-cancelled',
    promise: 'stops with work that is cancelled',
    slow: true,
    run: async ({ orchestrator, slowInput, patienceMs }) => {
      let cancelled = false;
      const word = { ok: false, code: 'cancelled', message: 'it is cancelled' } as const;
      const piece = await orchestrator.hand({
        input: slowInput,
        answer: (_, usual) => (cancelled ? word : usual),
      });
      const begun = await piece.until(() => piece.of('accepted').length > 0, patienceMs);
      if (!begun) return `it did not take the work within ${patienceMs} ms`;
      cancelled = true;
      orchestrator.cancel(piece);
      await piece.until(() => false, 2 * piece.work.heartbeatMs + 1_000);
      const before = piece.said.length;
      const more = await piece.until(() => piece.said.length > before, QUIET_MS);
      return more ? 'it goes on with work that is cancelled' : undefined;
    },
  },
];
