import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  LogPiece,
  Retry,
  streamOf,
  subjects,
  type RunDocument,
  type RunEnded,
  type RunWork,
} from '@writ/contracts';
import { processesWith } from '@writ/programs';
import { eventually } from '@writ/testing';
import { MemoryWorld, workOf, type MemoryExecutor } from './memory-executor';

let world: MemoryWorld;
let one: MemoryExecutor;
beforeAll(async () => {
  world = new MemoryWorld();
  one = await world.open('one', {
    env: {
      WRIT_PASS_ENV: 'PASSED,SECRET_PASSED',
      PASSED: 'passed-on',
      SECRET_PASSED: 'c4nary-c4nary',
      WRIT_SECRET_ENV: 'SECRET_PASSED',
      NOT_PASSED: 'kept',
    },
  });
});
afterAll(() => world.close());

const shell = (script: string, more: object = {}) => ({ kind: 'shell', script, ...more }) as const;

async function ended(work: RunWork, timeoutMs = 10_000): Promise<RunEnded> {
  const end = await eventually(async () => (await world.endOf(work.runId)) ?? false, {
    what: `the end of ${work.runId}`,
    timeoutMs,
  });
  return end || ({} as RunEnded);
}

const run = async (work: Partial<RunWork> & Pick<RunWork, 'adapter'>) =>
  ended(await world.start(work));
const textOf = async (digest: string | undefined) =>
  Buffer.from(await world.content.get(digest ?? '')).toString();
const put = async (text: string) => (await world.content.put(Buffer.from(text))).digest;

describe('an echo step', () => {
  test('is claimed and ended in one event, with its text', async () => {
    const work = await world.start({ adapter: { kind: 'echo', output: { a: 1 } } });
    expect(await ended(work)).toMatchObject({
      ...{ result: 'success', claim: 1, executorId: 'one', exitCode: 0, stdout: '{"a":1}' },
      adapter: { kind: 'echo', version: '1' },
      stages: [
        { name: 'analysis', status: 'success' },
        { name: 'compilation', status: 'skipped' },
        { name: 'processing', status: 'success' },
      ],
    });
    expect(await world.typesOf(work.runId)).toEqual(['RunEnded']);
  });

  test('is published, and published again when the work comes again', async () => {
    const work = workOf({ adapter: { kind: 'echo', output: 'again' } });
    let heard = 0;
    await one.bus.listen(subjects.event('run', work.runId, 'RunEnded'), () => void (heard += 1));
    await world.ring(work);
    await eventually(() => heard === 1, { what: 'the end' });
    await world.ring(work);
    await eventually(() => heard === 2, { what: 'the end once more' });
    expect(await world.typesOf(work.runId)).toEqual(['RunEnded']);
  });

  test('that declares a file fails, since it makes none', async () => {
    expect(await run({ adapter: { kind: 'echo' }, outputs: ['x'], cache: true })).toMatchObject({
      ...{ result: 'failed', error: { kind: 'output', code: 'output_missing' } },
      stages: [{}, {}, { name: 'processing', status: 'failed' }],
    });
  });

  test('with the same input is taken from the cache, with what was said', async () => {
    const adapter = { kind: 'echo', output: 'cached' } as const;
    const first = await world.start({ adapter, cache: true });
    await ended(first);
    expect(await run({ adapter, cache: true })).toMatchObject({
      ...{ result: 'skipped', stdout: 'cached', exitCode: 0 },
      source: { runId: first.runId, confidence: null },
      stages: [{ status: 'success' }, { status: 'skipped' }, { status: 'skipped' }],
    });
    expect(await run({ adapter, cache: false })).toMatchObject({
      result: 'success',
      cacheable: false,
    });
    expect(await run({ adapter, cache: true, verify: 'none' })).toMatchObject({
      result: 'success',
    });
  });

  test('says a long text in a transcript', async () => {
    const output = `${'x'.repeat(50_000)}end`;
    const end = await run({ adapter: { kind: 'echo', output } });
    expect(await textOf(end.transcript)).toBe(output);
    expect(end.stdout).toMatch(/^x+end$/);
    expect(end.stdout?.length).toBeLessThan(5000);
  });
});

describe('a program', () => {
  test('that was sent back finds what it made before, and is no repetition of it', async () => {
    const adapter = shell('cat made.txt 2>/dev/null; echo more >> made.txt');
    const outputs = ['made.txt'];
    const first = await run({ adapter, outputs, cache: true });
    const { runId, artifacts } = first;
    const rework = {
      ...{ instructions: 'more', checks: [], continues: true },
      previous: { runId, artifacts },
    };
    const again = await run({ adapter, outputs, cache: true, attempt: 2, rework });
    expect(again).toMatchObject({ result: 'success', stdout: 'more\n' });
    expect(await textOf(again.artifacts[0]?.digest)).toBe('more\nmore\n');
    expect(again.bundle?.components).toHaveProperty('rework');
    expect(again.bundle?.hash).not.toBe(first.bundle?.hash);
  });

  test('is told its budget, and says what it has used', async () => {
    const reserved = { costUsd: 0.5, tokens: 100 };
    const line = 'USAGE: {"costUsd":0.2,"inputTokens":30}';
    const script = `echo "$WRIT_BUDGET"; echo '${line}'; echo 'USAGE: much'; echo '${line}'`;
    const end = await run({ adapter: shell(script), reserved, cache: true });
    expect(end.stdout).toMatch(/^\{"costUsd":0.5,"tokens":100\}\n/);
    expect(end).toMatchObject({
      ...{ result: 'success', usage: { costUsd: 0.4, inputTokens: 60, outputTokens: 0 } },
    });
    expect(await textOf(end.transcript)).toContain('[writ] a USAGE line is not counted');
    const again = await run({ adapter: shell(script), reserved, cache: true });
    expect([again.result, again.usage]).toEqual(['skipped', undefined]);
  });

  test('is ended when it has used more than was reserved for it, over all its tries', async () => {
    const reserved = { costUsd: 0.5 };
    const line = 'echo \'USAGE: {"costUsd":0.6}\'';
    const end = await run({ adapter: shell(`${line}; exec sleep 60`), reserved });
    expect(end).toMatchObject({
      ...{ result: 'failed', error: { kind: 'budget', code: 'over_reservation' } },
      ...{ usage: { costUsd: 0.6 }, attempts: [{ attempt: 1 }] },
    });
    const retry = { retries: 3, baseDelayMs: 1, exitCodes: [75] };
    const third = 'echo \'USAGE: {"costUsd":0.3}\'; exit 75';
    const tried = await run({ adapter: shell(third), reserved, retry: Retry.parse(retry) });
    expect(tried).toMatchObject({ error: { kind: 'exit' }, usage: { costUsd: 0.6 } });
    expect(tried.attempts).toHaveLength(2);
  });

  test('that is at its end when it says too much has ended as it did', async () => {
    const adapter = shell('echo \'USAGE: {"costUsd":9}\'');
    const end = await run({ adapter, reserved: { costUsd: 0.5 } });
    expect(end).toMatchObject({ result: 'success', usage: { costUsd: 9 } });
  });

  test('seed defect 24: is claimed before it starts, and everything of it is on record with its bytes', async () => {
    const work = await world.start({
      adapter: shell('echo out; echo err >&2; echo made > made.txt; echo ARTIFACT: made.txt'),
      idempotent: true,
    });
    const end = await ended(work);
    expect(await world.typesOf(work.runId)).toEqual(['RunClaimed', 'RunEnded']);
    expect(end).toMatchObject({
      ...{ result: 'success', claim: 1, exitCode: 0, sandbox: one.programs.sandbox.level },
      ...{ stdout: 'out\nARTIFACT: made.txt\n', stderr: 'err\n' },
      artifacts: [{ path: 'made.txt', bytes: 5 }],
      attempts: [{ attempt: 1, claim: 1, exitCode: 0 }],
      metadata: { stdoutBytes: 23, stderrBytes: 4 },
      stages: [
        { name: 'analysis', status: 'success' },
        { name: 'compilation', status: 'success' },
        { name: 'processing', status: 'success' },
      ],
    });
    const transcript = await textOf(end.transcript);
    expect(transcript).toMatch(/^\[writ\] .*try 1, sandbox S\d: .*made\.txt/);
    expect(transcript).toMatch(
      /\[writ\] exit code 0 after [\d.]+ s; 23 bytes of stdout, 4 of stderr\n$/,
    );
    expect(await textOf(end.artifacts[0]?.digest)).toBe('made\n');
  });

  test('finds its environment and nothing else of ours', async () => {
    const adapter = shell('env | sort', { env: { OWN: '${inputs}', PASSED: 'own-wins' } });
    const work = await world.start({ adapter, attempt: 2 });
    const { stdout = '' } = await ended(work);
    const env = Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/).slice(0, 2)),
    );
    expect(env).toMatchObject({
      ...{ WRIT_DIRECTIVE: work.directiveId, WRIT_STEP: work.step, WRIT_RUN: work.runId },
      ...{ WRIT_ATTEMPT: '2', PASSED: 'own-wins', SECRET_PASSED: '[redacted:SECRET_PASSED]' },
    });
    expect(env['OWN']).toBe(env['WRIT_INPUTS']);
    const known =
      /^(PATH|HOME|LANG|TMPDIR|PWD|OLDPWD|SHLVL|_|OWN|PASSED|SECRET_PASSED|WRIT_[A-Z]+)$/;
    expect(Object.keys(env).filter((name) => !known.test(name))).toEqual([]);
  });

  test('is given its inputs, and what the steps before it made', async () => {
    const end = await run({
      adapter: {
        kind: 'program',
        argv: ['cat', '${inputs}/deep/in.txt', 'sub/made.txt'],
        stdoutTo: 'both.txt',
      },
      inputs: [{ name: 'deep/in.txt', digest: await put('input ') }],
      dependencies: [
        {
          ...{ step: 'before', runId: 'abcdefgh12345678-g1-before-a1' },
          artifacts: [{ path: 'sub/made.txt', digest: await put('made'), bytes: 4 }],
        },
      ],
    });
    expect(end).toMatchObject({ result: 'success', artifacts: [{ path: 'both.txt', bytes: 10 }] });
    expect(await textOf(end.artifacts[0]?.digest)).toBe('input made');
  });

  test('reads its stdin', async () => {
    const end = await run({
      adapter: { kind: 'program', argv: ['wc', '-c'], stdin: 'twelve bytes' },
    });
    expect(end.stdout?.trim()).toBe('12');
  });

  test('cannot change what it was given, and leaves nothing outside of its workspace', async () => {
    const work = await world.start({
      adapter: shell(
        'echo x > ${inputs}/in.txt; echo y > "$HOME/home"; echo z > "$TMPDIR/tmp"; pwd',
      ),
      inputs: [{ name: 'in.txt', digest: await put('input') }],
    });
    await ended(work);
    expect(await textOf(await put('input'))).toBe('input');
    const folders = () => readdirSync(join(one.programs.dataDir, 'runs'));
    await eventually(() => !folders().includes(work.runId), { what: 'its folder to be removed' });
  });

  const broken: [string, Partial<RunWork> & Pick<RunWork, 'adapter'>, object][] = [
    [
      'that is not there',
      { adapter: { kind: 'program', argv: ['no-such-program'] } },
      {
        error: {
          kind: 'spawn',
          code: 'program_not_found',
          message: expect.stringContaining('no-such-program'),
        },
      },
    ],
    [
      'that is no program',
      { adapter: { kind: 'program', argv: ['/etc/passwd'] } },
      { error: { kind: 'spawn', code: 'not_executable' } },
    ],
    [
      'that is a folder',
      { adapter: { kind: 'program', argv: ['/usr'] } },
      { error: { kind: 'spawn', code: 'not_a_file' } },
    ],
    [
      'with too long an argument',
      {
        adapter: {
          kind: 'program',
          argv: ['echo', ...Array<string>(30).fill('x'.repeat(131_000))],
        },
      },
      { error: { kind: 'spawn', code: 'arguments_too_long' } },
    ],
    [
      'with a folder that is not there',
      { adapter: shell('true', { cwd: 'nowhere' }) },
      { error: { kind: 'invalid', code: 'cwd_missing' } },
    ],
    [
      'with an input that is gone',
      { adapter: shell('true'), inputs: [{ name: 'x', digest: `sha256:${'0'.repeat(64)}` }] },
      { error: { kind: 'invalid', code: 'input_missing' } },
    ],
    [
      'that ends with a code',
      { adapter: shell('echo why >&2; exit 3') },
      { exitCode: 3, error: { kind: 'exit', code: 'exit_3', message: 'exit code 3: why' } },
    ],
    [
      'that dies by a signal',
      { adapter: shell('kill -SEGV $$') },
      { exitCode: null, signal: 'SIGSEGV', error: { kind: 'exit', code: 'signal_SIGSEGV' } },
    ],
    [
      'that does not make what it declares',
      { adapter: shell('true'), outputs: ['dist/*.js'] },
      {
        exitCode: 0,
        error: {
          kind: 'output',
          code: 'output_missing',
          message: expect.stringContaining('dist/*.js'),
        },
      },
    ],
    [
      'that reports a file outside',
      { adapter: shell('echo ARTIFACT: ../../../etc/passwd') },
      {
        error: {
          kind: 'output',
          code: 'outside',
          message: expect.stringContaining('../../../etc/passwd'),
        },
      },
    ],
    [
      'that links to a file outside',
      { adapter: shell('ln -s /etc/passwd out.txt'), outputs: ['out.txt'] },
      { artifacts: [], error: { kind: 'output', code: 'symbolic_link' } },
    ],
    [
      'that writes a secret into a file',
      { adapter: shell('printf %s "$SECRET_PASSED" > out.txt'), outputs: ['out.txt'] },
      { artifacts: [], error: { kind: 'output', code: 'secret_in_output' } },
    ],
    [
      'that writes stdout through a link',
      { adapter: shell('ln -s /tmp linked; echo x', { stdoutTo: 'linked/out.txt' }) },
      { error: { kind: 'output', code: 'not_a_folder' } },
    ],
  ];

  test.each(broken)('%s fails, and it is said how', async (_, work, expected) => {
    expect(await run(work)).toMatchObject({ result: 'failed', ...expected });
  });

  test('failing in one stage keeps the record of those before it', async () => {
    const end = await run({ adapter: shell('true', { cwd: 'nowhere' }) });
    expect(end.stages).toMatchObject([
      { name: 'analysis', status: 'success' },
      { name: 'compilation', status: 'failed', error: expect.stringContaining('nowhere') },
    ]);
    expect(end.bundle).toBeDefined();
  });

  test('seed defect 28: that takes too long is ended with all it started', async () => {
    const work = await world.start({ adapter: shell('sleep 60 & sleep 60'), timeoutMs: 300 });
    expect(await ended(work)).toMatchObject({
      ...{ result: 'timed_out', error: { kind: 'timeout' } },
      attempts: [{ error: { kind: 'timeout' } }],
    });
    await eventually(() => processesWith('WRIT_RUN', work.runId).length === 0, { what: 'its end' });
  });

  test('is heard while it runs, without its secrets', async () => {
    const work = workOf({
      adapter: shell('echo first; printf c4nary; sleep 0.3; echo -c4nary; sleep 0.3'),
    });
    const pieces: LogPiece[] = [];
    await one.bus.listen(subjects.log(work.runId), (_, bytes) => {
      pieces.push(LogPiece.parse(JSON.parse(Buffer.from(bytes).toString())));
    });
    await world.append(streamOf.directive(work.directiveId), 'StepStarted', work);
    await world.ring(work);
    await eventually(() => pieces.length > 0, { what: 'live output' });
    expect(await world.endOf(work.runId)).toBeUndefined();
    await ended(work);
    expect(pieces.map((it) => it.text).join('')).toBe('first\n[redacted:SECRET_PASSED]\n');
  });

  test('keeps its secrets out of everything that is kept', async () => {
    const end = await run({
      adapter: shell(
        'echo "$SECRET_PASSED"; echo "$SECRET_PASSED" >&2; printf %s "$SECRET_PASSED" | base64; exit 1',
        { stdoutTo: 'kept.txt' },
      ),
    });
    const kept = JSON.stringify(end) + (await textOf(end.transcript));
    expect(kept).toContain('[redacted:SECRET_PASSED]');
    expect(kept).not.toContain('c4nary');
    expect(kept).not.toContain(Buffer.from('c4nary-c4nary').toString('base64').slice(0, 12));
  });

  test('whose stdout goes to a file has it there to the byte, secrets apart', async () => {
    const end = await run({
      adapter: shell('head -c 300000 /dev/zero; echo "$SECRET_PASSED"; printf "\\377"', {
        stdoutTo: 'a/b.bin',
      }),
    });
    const bytes = Buffer.from(await world.content.get(end.artifacts[0]?.digest ?? ''));
    const rest = Buffer.concat([Buffer.from('[redacted:SECRET_PASSED]\n'), Buffer.from([0xff])]);
    expect(bytes.equals(Buffer.concat([Buffer.alloc(300_000), rest]))).toBe(true);
  });
});

describe('retries', () => {
  const retry = Retry.parse({ retries: 2, baseDelayMs: 10, jitter: 0 });
  const flaky = (failures: number, fail: string) =>
    shell(
      `n=$(cat n 2>/dev/null || echo 0); echo $((n+1)) > n; [ $n -ge ${failures} ] || { ${fail}; }; echo ok`,
    );

  test('seed defect 27: a try that ends with a code of the list is followed by another, in the same workspace', async () => {
    const work = await world.start({ adapter: flaky(2, 'exit 75'), retry });
    expect(await ended(work)).toMatchObject({
      result: 'success',
      attempts: [
        { attempt: 1, exitCode: 75, retryInMs: 10 },
        { attempt: 2, exitCode: 75, retryInMs: 20 },
        { attempt: 3, exitCode: 0 },
      ],
    });
    expect(await world.typesOf(work.runId)).toEqual([
      ...['RunClaimed', 'RunAttemptFailed', 'RunAttemptFailed', 'RunEnded'],
    ]);
  });

  test('one that says a message of the list too, whatever its code', async () => {
    const end = await run({ adapter: flaky(1, 'echo Rate Limit >&2; exit 1'), retry });
    expect(end).toMatchObject({ result: 'success', attempts: [{ exitCode: 1 }, { exitCode: 0 }] });
  });

  test('any other is not', async () => {
    const end = await run({ adapter: flaky(1, 'exit 2'), retry });
    expect(end).toMatchObject({ result: 'failed', exitCode: 2, attempts: [{ attempt: 1 }] });
  });

  test('after the last the run fails with all of them on record', async () => {
    const end = await run({ adapter: flaky(9, 'exit 75'), retry });
    expect(end).toMatchObject({
      result: 'failed',
      exitCode: 75,
      attempts: [{}, {}, { attempt: 3 }],
    });
    expect(end.attempts[2]?.retryInMs).toBeUndefined();
  });

  test('a timeout is, when it is listed; each try has its own time', async () => {
    const patient = Retry.parse({ ...retry, errors: ['timeout'] });
    const adapter = flaky(1, 'sleep 60');
    const end = await run({ adapter, retry: patient, timeoutMs: 400 });
    expect(end).toMatchObject({
      result: 'success',
      attempts: [{ error: { kind: 'timeout' } }, {}],
    });
  });

  test('a cancellation interrupts the wait', async () => {
    const slow = Retry.parse({ ...retry, baseDelayMs: 600_000 });
    const work = await world.start({ adapter: flaky(9, 'exit 75'), retry: slow });
    await eventually(async () => (await world.typesOf(work.runId)).includes('RunAttemptFailed'), {
      what: 'the first try to fail',
    });
    one.active.cancel(work.runId);
    expect(await ended(work)).toMatchObject({ result: 'cancelled', attempts: [{ exitCode: 75 }] });
  });
});

describe('cancelling', () => {
  const started = (work: RunWork) =>
    eventually(async () => (await world.typesOf(work.runId)).includes('RunClaimed'), {
      what: 'its start',
    });

  test('a run that is heard to be cancelled ends at once', async () => {
    const work = await world.start({ adapter: shell('echo up; sleep 60') });
    await started(work);
    const began = performance.now();
    const { step, runId } = work;
    one.bus.broadcast(
      subjects.event('directive', work.directiveId, 'StepCancelled'),
      Buffer.from(JSON.stringify({ step, runId })),
    );
    expect(await ended(work)).toMatchObject({ result: 'cancelled', error: { kind: 'cancelled' } });
    expect(performance.now() - began).toBeLessThan(4000);
  });

  test('one whose cancellation was missed is asked about with the next heartbeat', async () => {
    const work = await world.start({ adapter: shell('sleep 60') });
    await started(work);
    const { step, runId, directiveId } = work;
    await world.append(streamOf.directive(directiveId), 'StepCancelled', { step, runId });
    await one.keeper.beat();
    expect(await ended(work)).toMatchObject({ result: 'cancelled' });
  });

  test('one that is cancelled before it begins does not begin', async () => {
    const work = workOf({ adapter: shell('echo never') });
    const { step, runId, directiveId } = work;
    const stream = streamOf.directive(directiveId);
    await world.append(stream, 'StepStarted', { step, runId, attempt: 1 });
    await world.append(stream, 'StepCancelled', { step, runId });
    await world.ring(work);
    expect(await ended(work)).toMatchObject({ result: 'cancelled', stages: [] });
    expect(await world.typesOf(runId)).toEqual(['RunEnded']);
  });
});

test('work for a run that nobody started is a dead letter', async () => {
  const work = workOf({ adapter: shell('echo forged') });
  await world.ring(work);
  await eventually(async () => (await one.bus.deadLetters.list()).length > 0, {
    what: 'a dead letter',
  });
  expect(await world.typesOf(work.runId)).toEqual([]);
});

describe('asked about a run', () => {
  const ask = (runId: string) =>
    one.bus.query(subjects.query('executor', 'run'), { runId }) as Promise<RunDocument>;

  test('it tells how far it is, and how it ended', async () => {
    const work = await world.start({ adapter: shell('sleep 0.5; echo done') });
    await eventually(async () => (await world.typesOf(work.runId)).length === 1, {
      what: 'its claim',
    });
    expect(await ask(work.runId)).toMatchObject({
      status: 'processing',
      result: null,
      step: work.step,
    });
    await ended(work);
    expect(await ask(work.runId)).toMatchObject({
      ...{
        status: 'complete',
        result: 'success',
        exitCode: 0,
        stdout: 'done\n',
        sourceRunId: null,
      },
      stages: [{}, {}, { name: 'processing' }],
    });
  });

  test('that nobody has begun there is no answer', async () => {
    await expect(ask('abcdefgh12345678-g1-nothing-a1')).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

describe('a step in a folder', () => {
  test('works in it, without the executor`s own folders', async () => {
    const path = mkdtempSync(join(tmpdir(), 'writ-folder-'));
    writeFileSync(join(path, 'in.txt'), 'in');
    const workspace = { spec: { kind: 'directory', path }, path } as const;
    const end = await run({
      adapter: shell('cat in.txt > out.txt; pwd'),
      workspace,
      outputs: ['out.txt'],
    });
    expect(end).toMatchObject({ result: 'success', artifacts: [{ path: 'out.txt', bytes: 2 }] });
    expect(readFileSync(join(path, 'out.txt'), 'utf8')).toBe('in');
    writeFileSync(join(one.programs.dataDir, 'private'), 'p');
    const ours = { spec: { kind: 'directory', path: world.folder }, path: world.folder } as const;
    const seen = await run({ adapter: shell('cat data/private; true'), workspace: ours });
    expect(seen.stdout).toBe(one.programs.sandbox.level === 'S2' ? undefined : 'p');
    const inside = {
      spec: { kind: 'directory', path: one.programs.dataDir },
      path: one.programs.dataDir,
    } as const;
    expect(await run({ adapter: shell('true'), workspace: inside })).toMatchObject({
      error: { kind: 'invalid', code: 'workspace_is_ours' },
    });
  });
});

test('what it did shows in its metrics', async () => {
  const text = await one.metricsText();
  expect(text).toMatch(/writ_step_attempts_total\{adapter="shell",outcome="success"\} [1-9]/);
  expect(text).toMatch(/writ_cache_lookups_total\{result="hit"\} [1-9]/);
  expect(text).toMatch(/writ_sandbox_spawn_seconds_count\{level="S\d"\} [1-9]/);
  expect(text).toMatch(/writ_program_output_bytes_total\{stream="stdout"\} [1-9]/);
  expect(text).toMatch(/writ_program_output_bytes_total\{stream="stderr"\} [1-9]/);
  expect(text).toMatch(/writ_redactions_total [1-9]/);
  expect(text).toMatch(/writ_step_queue_seconds_count\{adapter="shell"\} [1-9]/);
});
