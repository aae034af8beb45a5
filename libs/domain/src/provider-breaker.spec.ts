import type { Adapter } from '@writ/contracts';
import { storyFile as file, DirectiveStory as Story } from '@writ/testing';
import { errorsOf, isProviderTrouble, nextProbe, providerOf } from './provider-breaker';

const worker = (name: string) => ({ adapter: { kind: 'worker', name } });
const story = (steps: Parameters<typeof file>[0], limits: object = {}) => {
  const fresh = new Story();
  fresh.create(file(steps, { limits: { maxParallelSteps: 1, ...limits } }));
  return fresh;
};
const three = ['one', 'two', 'three'].map((name) => ({ name, ...worker('w') }));
const end = (it: Story, step: string, more: object = {}) =>
  it.end(step, { runId: it.runIdOf(step), ...more });
const trouble = { kind: 'provider' as const, code: 'overloaded', message: 'come again' };
const broken = (it: Story, step: string) => end(it, step, { result: 'failed', error: trouble });
const running = (it: Story) => it.directive.chain.active().map(({ spec }) => spec.name);
const since = '2026-01-01T00:00:00.000Z';
const later = (seconds: number) => new Date(Date.parse(since) + seconds * 1000).toISOString();
/** Time goes by; the time of its suspension is that of the log. */
function wait(it: Story, seconds: number): string[] {
  const from = it.directive.suspension?.since ?? '';
  const now = new Date(Date.parse(from) + seconds * 1000).toISOString();
  return it.typesWhen({ type: 'note-probe', now, since: from });
}
const tripped = (steps: Parameters<typeof file>[0] = three, limits: object = {}) => {
  const it = story(steps, limits);
  for (let at = 0; at < 3; at += 1) broken(it, 'one');
  return it;
};

describe('a provider in trouble', () => {
  it('fails no step: it runs again as the next attempt', () => {
    const it = story(three);
    expect(broken(it, 'one')).toEqual(['StepPostponed', 'StepStarted']);
    expect(it.directive.chain.get('one')).toMatchObject({ attempt: 2, status: 'running' });
    expect(it.directive.chain.tally.failed).toBe(0);
  });

  it('suspends the directive after so many runs in a row, with the time of the next try', () => {
    const it = story(three);
    broken(it, 'one');
    broken(it, 'one');
    expect(broken(it, 'one')).toEqual(['StepPostponed', 'DirectiveSuspended']);
    expect(it.directive.suspension).toMatchObject({
      ...{ kind: 'provider', provider: 'worker w', retryAfterMs: 30_000 },
      reason: 'worker w is in trouble, 3 runs in a row ended with: come again',
    });
    const soon = story(three, { maxProviderErrors: 1 });
    expect(broken(soon, 'one')).toContain('DirectiveSuspended');
  });

  it('is counted anew after a run that ended in any other way, and apart from others', () => {
    const it = story([...three, { name: 'four', ...worker('v') }], { maxParallelSteps: 4 });
    broken(it, 'one');
    broken(it, 'two');
    broken(it, 'four');
    expect(errorsOf(it.directive.breaker, 'worker w')).toBe(2);
    end(it, 'three');
    expect(errorsOf(it.directive.breaker, 'worker w')).toBe(0);
    expect(errorsOf(it.directive.breaker, 'worker v')).toBe(1);
    expect(it.directive.status).toBe('active');
  });

  it('is tried again with one step only, in its time; its success lets all go on', () => {
    const others = [...three, { name: 'other' }];
    const it = story(others, { maxParallelSteps: 4 });
    for (const name of ['one', 'two', 'three']) broken(it, name);
    end(it, 'other');
    for (const name of running(it)) broken(it, name);
    expect(running(it)).toEqual([]);
    expect(wait(it, 29)).toEqual([]);
    expect(wait(it, 30)).toEqual(['DirectiveResumed', 'StepStarted']);
    expect(it.events.at(-2)?.data).toEqual({ probe: true });
    expect(running(it)).toEqual(['one']);
    expect(end(it, 'one')).toEqual(['StepPassed', 'StepStarted', 'StepStarted']);
    expect(it.directive.breaker).toEqual({ errors: [], probing: null, fruitless: 0 });
  });

  it('that is in trouble still is tried after twice as long, five times; then a person says when', () => {
    const it = tripped();
    const waits = [30, 60, 120, 240, 480].map((seconds) => {
      expect(it.directive.suspension?.retryAfterMs).toBe(seconds * 1000);
      expect(wait(it, seconds - 1)).toEqual([]);
      expect(wait(it, seconds)).toEqual(['DirectiveResumed', 'StepStarted']);
      return broken(it, 'one');
    });
    expect(waits.every((types) => types.at(-1) === 'DirectiveSuspended')).toBe(true);
    expect(it.directive.suspension?.retryAfterMs).toBeUndefined();
    expect(it.directive.suspension?.wayOut).toMatch(/^writ resume \w+ tries it again$/);
    expect(wait(it, 1e6)).toEqual([]);
    const resume = { type: 'resume', commandId: 'r' } as const;
    expect(it.typesWhen(resume)).toEqual(['DirectiveResumed', 'StepStarted']);
    broken(it, 'one');
    expect(it.directive.suspension?.retryAfterMs).toBe(60_000);
  });

  it('is tried at once when a person says so', () => {
    const it = tripped([...three, { name: 'four' }], { maxParallelSteps: 1 });
    const resume = { type: 'resume', commandId: 'r' } as const;
    expect(it.typesWhen(resume)).toEqual(['DirectiveResumed', 'StepStarted']);
    expect(running(it)).toEqual(['one']);
    broken(it, 'one');
    expect(it.directive.suspension?.retryAfterMs).toBe(60_000);
  });

  it('holds nothing up once no step needs it, or more errors are allowed', () => {
    const it = tripped([three[0]!, { name: 'four' }]);
    const skip = { type: 'skip-step', commandId: 's', step: 'one' } as const;
    expect(it.typesWhen(skip)).toEqual(['StepSkipped', 'DirectiveResumed', 'StepStarted']);
    const other = tripped();
    const limits = { maxProviderErrors: 9 };
    const raise = { type: 'raise-limit', commandId: 'l', limits } as const;
    expect(other.typesWhen(raise)).toEqual(['LimitsRaised', 'DirectiveResumed', 'StepStarted']);
  });

  it('is counted on over a pause', () => {
    const it = story(three);
    broken(it, 'one');
    broken(it, 'one');
    it.typesWhen({ type: 'pause', commandId: 'p' });
    expect(broken(it, 'one')).toEqual(['StepPostponed']);
    it.typesWhen({ type: 'resume', commandId: 'r' });
    expect(broken(it, 'one')).toEqual(['StepPostponed', 'DirectiveSuspended']);
  });

  it('is tried by another step when the one that tried is cancelled', () => {
    const it = tripped();
    wait(it, 30);
    it.typesWhen({ type: 'pause', mode: 'cut', commandId: 'p' });
    expect(it.directive.breaker.probing?.runId).toBeNull();
  });

  it('is not tried by news of a suspension that is over', () => {
    const it = tripped();
    const past = { type: 'note-probe', now: later(1e9), since: later(-1) } as const;
    expect(it.typesWhen(past)).toEqual([]);
  });

  it('has its time kept with its suspension', () => {
    const about = { kind: 'provider', reason: '', wayOut: '', since } as const;
    expect(nextProbe({ ...about, retryAfterMs: 1000 })).toBe(Date.parse(since) + 1000);
    expect([nextProbe(about), nextProbe(null)]).toEqual([null, null]);
  });
});

describe('what is a trouble of a provider', () => {
  const http = { adapter: { kind: 'http', url: 'https://user@api.example:8443/v1?q' } };
  const program = { adapter: { kind: 'program', argv: ['/usr/bin/agent', 'x'] } };
  const says = { retry: { exitCodes: [75], provider: true } };
  it.each([
    ['what an adapter says', true, worker('w'), { kind: 'provider' }, null],
    [
      'a server out of order, for an idempotent step',
      true,
      { ...http, idempotent: true },
      { kind: 'infrastructure', code: 'http_503' },
      null,
    ],
    ['for one that is not', false, http, { kind: 'infrastructure', code: 'http_503' }, null],
    [
      'trouble of this machine',
      false,
      { ...http, idempotent: true },
      { kind: 'infrastructure', code: 'enospc' },
      null,
    ],
    ['an exit code of a program that says so', true, { ...program, ...says }, { kind: 'exit' }, 75],
    ['another exit code', false, { ...program, ...says }, { kind: 'exit' }, 1],
    ['an exit code alone', false, program, { kind: 'exit' }, 75],
    ['a failure', false, worker('w'), { kind: 'exit', code: 'worker_failed' }, null],
  ])('%s: %s', (_, expected, step, error, exitCode) => {
    const it = story([{ name: 'one', ...step }]);
    const { spec } = it.directive.chain.get('one')!;
    const said = { code: 'x', message: 'm', ...error } as never;
    const ended = it.ended('one', { result: 'failed', error: said, exitCode });
    expect(isProviderTrouble(spec, ended)).toBe(expected);
  });

  it('has a name, of which there are as many as there are providers', () => {
    const named = (adapter: object) => providerOf(adapter as Adapter);
    expect(named(http.adapter)).toBe('http api.example:8443');
    expect(named(program.adapter)).toBe('program agent');
    expect(named(worker('w').adapter)).toBe('worker w');
    expect(named({ kind: 'echo' })).toBe('echo');
  });
});
