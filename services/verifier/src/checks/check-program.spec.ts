/** The check `program` behind each level of sandbox. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openProgramHost, processesWith, Warden, type ProgramHost } from '@writ/programs';
import { eventually } from '@writ/testing';
import { checkProgram } from './check-program';
import { programRunner } from './run-program';
import { readRepository } from '../detection/repository-files';
import type { CheckContext } from './verdict';

const asRoot = process.getuid?.() === 0;
const user = asRoot ? [] : ['--user', '--map-root-user'];
const works = (...[command = '', ...args]: string[]) => spawnSync(command, args).status === 0;

const levels = [
  { level: 'S0', choice: 'none', here: true },
  {
    level: 'S1 (needs unshare)',
    choice: 'namespace',
    here: works('unshare', ...user, '--pid', '--fork', '--kill-child', '--mount-proc', 'true'),
  },
  {
    level: 'S2 (needs bubblewrap)',
    choice: 'bwrap',
    here: works('bwrap', '--unshare-all', '--ro-bind', '/', '/', 'true'),
  },
] as const;

const secret = 'c4nary-c4nary';
const quiet = () => undefined;
const logger = { info: quiet, warn: quiet };
const counted = { stdout: 0, stderr: 0, redacted: 0 };
const parent = realpathSync(mkdtempSync(join(tmpdir(), 'writ-check-program-')));
let host: ProgramHost;
let root: string;
let runId: string;
let contexts = 0;
let context: CheckContext;

afterAll(() => rmSync(parent, { recursive: true, force: true }));

async function openHost(choice: (typeof levels)[number]['choice']): Promise<ProgramHost> {
  const opened = await openProgramHost({
    settings: {
      WRIT_DATA_DIR: join(parent, `data-${choice}`),
      WRIT_CONTENT_DIR: join(parent, 'content'),
      WRIT_SANDBOX: choice,
      WRIT_SANDBOX_NETWORK: 'off',
      WRIT_SANDBOX_PATHS: [],
      WRIT_PASS_ENV: [],
      WRIT_SECRET_ENV: ['OUR_SECRET'],
    },
    env: { PATH: process.env['PATH'], OUR_SECRET: secret },
    wardenLimitMs: 60_000,
    counters: {
      started: quiet,
      wrote: (stream, bytes) => void (counted[stream] += bytes),
      redacted: (count) => void (counted.redacted += count),
    },
    logger,
  });
  return { ...opened, graceMs: 300 };
}

/** Of a workspace of its own, with a folder of ours in it as `.writ` is. */
function openContext(): void {
  root = join(parent, `workspace-${(contexts += 1)}`);
  runId = `check-${process.pid}-${contexts}`;
  mkdirSync(join(root, '.ours', 'scratch'), { recursive: true });
  mkdirSync(join(parent, 'inputs'), { recursive: true });
  context = {
    ...{ root, readOnlyPaths: [], inputs: join(parent, 'inputs') },
    scratch: join(root, '.ours', 'scratch'),
    environment: { PATH: process.env['PATH'] ?? '', WRIT_RUN: runId },
    runProgram: programRunner({ ...host, hidden: [join(root, '.ours')] }),
    ask: () => Promise.reject(new Error('this asks nobody')),
    readRepository,
    signal: new AbortController().signal,
  };
}

const program = (argv: string[], more: object = {}) =>
  checkProgram({ kind: 'program', argv, ...more }, context);
const script = (text: string, more: object = {}) => program(['sh', '-c', text], more);
const noneLeft = () =>
  eventually(() => processesWith('WRIT_RUN', runId).length === 0, {
    what: `the end of ${runId}`,
    timeoutMs: 20_000,
  });

for (const { level, choice, here } of levels) {
  (here ? describe : describe.skip)(`${level}: a check that is a program`, () => {
    beforeAll(async () => {
      host = await openHost(choice);
    });
    afterAll(async () => {
      await host.warden.close();
      host.pipes.close();
    });
    beforeEach(openContext);
    isAProgram();
    isEnded();
    if (choice === 'bwrap') isWalledIn();
  });
}

function isAProgram(): void {
  it('passes with exit code 0 and keeps what was said, with the level of its sandbox', async () => {
    const verdict = await script('echo out; echo err >&2; pwd');
    const { level: sandbox } = host.sandbox;
    expect(verdict).toMatchObject({ outcome: 'passed', exitCode: 0, sandbox });
    expect(verdict.log).toContain('out\n');
    expect(verdict.log).toContain('err\n');
    expect(verdict.log).toContain(`${root}\n`);
  });

  it('fails with another exit code, and by a signal', async () => {
    expect(await script('exit 3')).toMatchObject({
      ...{ outcome: 'failed', exitCode: 3, message: 'it ended with exit code 3' },
    });
    expect(await script('kill -SEGV $$')).toMatchObject({
      ...{ outcome: 'failed', exitCode: null, signal: 'SIGSEGV' },
    });
  });

  it('is an error when it cannot be started, or its folder is not there', async () => {
    expect(await program(['no-such-program'])).toMatchObject({
      outcome: 'error',
      message: 'there is no program "no-such-program" on PATH',
    });
    writeFileSync(join(root, 'odd'), '#!/no/such/interpreter\n', { mode: 0o755 });
    expect(await program(['./odd'])).toMatchObject({
      outcome: 'error',
      message: expect.stringContaining('cannot be started') as unknown,
    });
    await expect(program(['true'], { cwd: 'no' })).rejects.toThrow('the folder no is missing');
    symlinkSync('/etc', join(root, 'etc'));
    await expect(program(['true'], { cwd: 'etc' })).rejects.toThrow(/leads out/);
  });

  it('may be a program of the workspace, found from the folder it runs in', async () => {
    mkdirSync(join(root, 'tools'));
    writeFileSync(join(root, 'tools', 'look'), '#!/bin/sh\necho looked\n', { mode: 0o755 });
    expect(await program(['./look'], { cwd: 'tools' })).toMatchObject({ log: 'looked\n' });
  });

  it('finds its own environment and nothing of ours', async () => {
    process.env['DATABASE_PASSWORD'] = 'of-this-process';
    const { log = '' } = await program(['env'], { env: { MINE: '1', WHERE: '${inputs}/x' } });
    delete process.env['DATABASE_PASSWORD'];
    const names = log.split('\n').map((line) => line.split('=')[0]);
    const given = ['HOME', 'MINE', 'PATH', 'TMPDIR', 'WHERE', 'WRIT_CHECK', 'WRIT_RUN'];
    const shells = ['', 'OLDPWD', 'PWD', 'SHLVL', '_'];
    expect(names.filter((name) => !shells.includes(name ?? '')).sort()).toEqual(given);
    expect(log).toContain(`WHERE=${context.inputs}/x\n`);
    expect(log).toContain(`HOME=${context.scratch}\n`);
  });

  it('keeps head and tail of a flood, and counts all of it', async () => {
    const before = counted.stdout;
    const verdict = await script('echo first; head -c 5000000 /dev/zero | tr "\\0" x; echo last');
    expect(verdict.log?.length).toBeLessThan(300_000);
    expect(verdict.log).toMatch(/^first\n/);
    expect(verdict.log).toMatch(/last\n$/);
    expect(verdict.log).toMatch(
      /\n\[writ\] \d+ bytes of stdout and 0 of stderr are left out here\n/,
    );
    expect(counted.stdout - before).toBe(5_000_000 + 'first\nlast\n'.length);
  });

  it('has no secret of ours in its evidence, in one piece or in two', async () => {
    const before = counted.redacted;
    const halves = [secret.slice(0, 6), secret.slice(6)];
    const text = `echo ${secret}; printf ${halves[0]}; sleep 0.05; echo ${halves[1]}`;
    const { log } = await script(text);
    expect(log).toBe('[redacted:OUR_SECRET]\n'.repeat(2));
    expect(counted.redacted - before).toBe(2);
  });
}

function isEnded(): void {
  it('has failed when it takes too long, and is ended with all its children', async () => {
    const forks = '(trap "" TERM; sleep 600) & sleep 600 & setsid sleep 600 & wait';
    const verdict = await script(forks, { timeoutMs: 200 });
    expect(verdict.outcome).toBe('failed');
    expect(verdict.message).toBe('it took longer than 200 ms and was ended');
    await noneLeft();
  });

  it('has not passed when it takes too long and then says that all is well', async () => {
    const late = 'trap "exit 0" TERM; while :; do sleep 0.05; done';
    expect(await script(late, { timeoutMs: 200 })).toMatchObject({ outcome: 'failed' });
  });

  it('is not waited for beyond its end, and what it leaves behind is ended', async () => {
    const leaves = 'sleep 600 & (setsid sleep 600 &); echo done';
    expect(await script(leaves)).toMatchObject({ outcome: 'passed', log: 'done\n' });
    await noneLeft();
  });

  it('says nothing when the process stops: it is ended, and the stop is thrown', async () => {
    const stop = new AbortController();
    context = { ...context, signal: stop.signal };
    const running = script('trap "" TERM; echo up > up; sleep 600 & wait');
    const stopped = expect(running).rejects.toThrow('stopping');
    await eventually(() => existsSync(join(root, 'up')), { what: 'the program to start' });
    stop.abort(new Error('stopping'));
    await stopped;
    await noneLeft();
    await expect(script('true')).rejects.toThrow('stopping');
  });

  it('says nothing when the warden ended it, as it does when we stood still', async () => {
    const warden = new Warden({ limitMs: 300, beatMs: 3_600_000, logger });
    context = { ...context, runProgram: programRunner({ ...host, warden }) };
    warden.start();
    try {
      await expect(script('sleep 600')).rejects.toMatchObject({ name: 'CheckCutOff' });
      await noneLeft();
    } finally {
      await warden.close();
    }
  });
}

function isWalledIn(): void {
  it('writes into its workspace and its scratch folder and nowhere else', async () => {
    writeFileSync(join(parent, 'beside'), 'untouched');
    const { scratch, inputs = '' } = context;
    const places = [parent, root, scratch, inputs, join(root, '.ours'), '/usr'];
    // Opened, never written: should the wall fail, nothing is harmed.
    const open = 'for place; do (: > "$place/made") 2>/dev/null && echo "$place"; done';
    const { log } = await program(['sh', '-c', `${open}; (: >> ../beside) 2>&1`, 'sh', ...places]);
    const made = places.filter((place) => existsSync(join(place, 'made')));
    expect(made).toEqual([root, scratch]);
    // What is put elsewhere below /tmp is in a /tmp of its own, and gone with it.
    for (const place of ['/usr', inputs]) expect(log).not.toContain(`${place}\n`);
    expect(readFileSync(join(parent, 'beside'), 'utf8')).toBe('untouched');
  });

  it('sees neither what lies beside its workspace nor what is ours inside of it', async () => {
    writeFileSync(join(parent, 'beside'), 'seen');
    writeFileSync(join(root, '.ours', 'key'), 'seen');
    writeFileSync(join(parent, 'inputs', 'x'), 'input');
    const look = 'cat ../beside .ours/key 2>/dev/null; cat "$INPUT"; ls -A .ours';
    const { log } = await script(look, { env: { INPUT: '${inputs}/x' } });
    expect(log).toBe('inputscratch\n');
  });
}
