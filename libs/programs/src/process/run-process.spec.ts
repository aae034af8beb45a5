import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@writ/testing';
import { bubblewrap } from '../sandbox/bubblewrap';
import { noSandbox, processNamespace } from '../sandbox/namespace';
import type { Sandbox } from '../sandbox/sandbox';
import { PipeMaker } from './open-pipe';
import { processesWith } from './process-tree';
import { launcherComplaint } from './read-exit';
import { runProcess, type ProcessEnd, type StopReason } from './run-process';

const works = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;
const asRoot = process.getuid?.() === 0;
const user = asRoot ? [] : ['--user', '--map-root-user'];

const sandboxes: [string, Sandbox][] = [['S0', noSandbox()]];
if (works('unshare', ...user, '--pid', '--fork', '--kill-child', '--mount-proc', 'true')) {
  sandboxes.push(['S1', processNamespace({ program: '/usr/bin/unshare', asRoot })]);
}
if (works('bwrap', '--unshare-all', '--ro-bind', '/', '/', 'true')) {
  const program = '/usr/bin/bwrap';
  sandboxes.push(['S2', bubblewrap({ program, network: 'off', boundsTmp: false })]);
}

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'writ-process-')));
const own = mkdtempSync(join(tmpdir(), 'writ-pipes-'));
const pipes = new PipeMaker(own);
afterAll(() => {
  pipes.close();
  for (const path of [folder, own]) rmSync(path, { recursive: true, force: true });
});

let runs = 0;

interface Ran extends ProcessEnd {
  stdout: string;
  stderr: string;
  bytes: number;
  runId: string;
}

interface Asked {
  stdinFile?: string;
  timeoutMs?: number;
  graceMs?: number;
  stop?: AbortSignal;
  take?: (piece: Buffer) => void | Promise<void>;
}

async function run(sandbox: Sandbox, argv: [string, ...string[]], asked: Asked = {}): Promise<Ran> {
  const runId = `zoo-${process.pid}-${(runs += 1)}`;
  const said = { stdout: '', stderr: '' };
  let bytes = 0;
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', WRIT_RUN: runId };
  const end = await runProcess({
    launch: sandbox.launch({
      argv,
      cwd: folder,
      env,
      places: [{ kind: 'writable', path: folder }],
    }),
    pipes,
    stdinFile: asked.stdinFile,
    take: (stream, piece) => {
      bytes += piece.length;
      if (asked.take) return asked.take(piece);
      said[stream] += piece.toString();
    },
    timeoutMs: asked.timeoutMs ?? 20_000,
    graceMs: asked.graceMs ?? 500,
    stop: asked.stop ?? new AbortController().signal,
  });
  return { ...end, ...said, bytes, runId };
}

const sh = (sandbox: Sandbox, script: string, asked?: Asked) =>
  run(sandbox, ['/bin/sh', '-c', script], asked);

const noneLeft = (runId: string) =>
  eventually(() => processesWith('WRIT_RUN', runId).length === 0, { what: `the end of ${runId}` });

describe.each(sandboxes)('%s: a program', (level, sandbox) => {
  test('gets its arguments as they are, through no shell', async () => {
    const argv: [string, ...string[]] = [
      '/usr/bin/printf',
      '%s|',
      '; rm -rf /',
      '$(id)',
      'a\nb',
      '-rf',
      '',
      'ünï‮code',
    ];
    const { stdout, exitCode } = await run(sandbox, argv);
    expect(stdout).toBe('; rm -rf /|$(id)|a\nb|-rf||ünï‮code|');
    expect(exitCode).toBe(0);
  });

  test.each([0, 1, 75, 126, 127, 137, 143, 255])(
    'that exits with %d has that code',
    async (code) => {
      const { exitCode, signal, failure } = await sh(sandbox, `exit ${code}`);
      expect({ exitCode, signal, failure }).toEqual({ exitCode: code });
    },
  );

  test.each(['SIGKILL', 'SIGTERM', 'SIGSEGV', 'SIGPIPE'])(
    'that dies by %s has no code',
    async (name) => {
      const { exitCode, signal } = await sh(sandbox, `kill -${name.slice(3)} $$`);
      expect({ exitCode, signal }).toEqual({ exitCode: null, signal: name });
    },
  );

  test('that is a text for an interpreter which is not there does not start', async () => {
    const path = join(folder, 'odd');
    writeFileSync(path, '#!/no/such/interpreter\n', { mode: 0o755 });
    const { exitCode, stderr } = await run(sandbox, [path]);
    expect(launcherComplaint(exitCode, stderr)?.failure?.kind).toBe('spawn');
    const own = await sh(sandbox, 'echo not mine >&2; exit 127');
    expect(launcherComplaint(own.exitCode, own.stderr)).toBeUndefined();
  });

  test('whose arguments are too long does not start, and it is said why', async () => {
    const { failure } = await run(sandbox, ['/bin/echo', ...Array(40).fill('x'.repeat(100_000))]);
    expect(failure).toMatchObject({ kind: 'spawn', code: 'arguments_too_long' });
  });

  test('can open its output by name, and reads the end from stdin at once', async () => {
    const { stdout, stderr } = await sh(
      sandbox,
      'echo out > /dev/stdout; echo err > /dev/stderr; cat; echo done',
    );
    expect({ stdout, stderr }).toEqual({ stdout: 'out\ndone\n', stderr: 'err\n' });
  });

  test('reads what it is given, or leaves it', async () => {
    const stdinFile = join(folder, 'stdin');
    writeFileSync(stdinFile, 'x'.repeat(200_000));
    expect((await sh(sandbox, 'wc -c < /dev/stdin', { stdinFile })).stdout.trim()).toBe('200000');
    expect((await sh(sandbox, 'exec true', { stdinFile })).exitCode).toBe(0);
  });

  test('has its environment and nothing of ours, and no open file but three', async () => {
    const look = 'for fd in 3 4 5 6 7 8 9; do [ -e /proc/self/fd/$fd ] && echo $fd; done; true';
    const script = `env | cut -d= -f1; echo --; ${look}`;
    const { stdout } = await sh(sandbox, script);
    const [names = '', fds = ''] = stdout.split('--\n');
    const shells = ['OLDPWD', 'PWD', 'SHLVL', '_'];
    const given = names
      .trim()
      .split('\n')
      .filter((name) => !shells.includes(name));
    expect(given.sort()).toEqual(['PATH', 'WRIT_RUN']);
    expect(fds.trim()).toBe('');
  });

  test('that ignores TERM is killed after the grace, with all it started', async () => {
    const script = 'trap "" TERM; (trap "" TERM; sleep 60) & sleep 60';
    const { stoppedBy, durationMs, runId } = await sh(sandbox, script, { timeoutMs: 200 });
    expect(stoppedBy).toBe('timeout');
    expect(durationMs).toBeGreaterThan(600);
    expect(durationMs).toBeLessThan(5000);
    await noneLeft(runId);
  });

  test('that obeys TERM ends in its own way', async () => {
    const script = 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.05; done';
    const ran = await sh(sandbox, script, { timeoutMs: 300, graceMs: 4000 });
    expect(ran).toMatchObject({ stoppedBy: 'timeout', exitCode: 3, stdout: 'up\nbye\n' });
    expect(ran.durationMs).toBeLessThan(3000);
  });

  test('is ended by whoever told it to stop', async () => {
    const controller = new AbortController();
    const take = () => controller.abort('cancelled' satisfies StopReason);
    const ran = await sh(sandbox, 'echo up; sleep 60', { stop: controller.signal, take });
    expect(ran.stoppedBy).toBe('cancelled');
    expect(ran.durationMs).toBeLessThan(3000);
    await noneLeft(ran.runId);
  });

  test('told to stop before it starts does nothing', async () => {
    const marker = join(folder, `never-${level}`);
    const ran = await sh(sandbox, `echo ran > ${marker}`, { stop: AbortSignal.abort('cancelled') });
    expect(ran.stoppedBy).toBe('cancelled');
    expect(existsSync(marker)).toBe(false);
  });

  test('that goes on writing when its time is over is cut off, and nothing of it writes on', async () => {
    const file = join(folder, `written-${level}`);
    const script = `trap "" TERM; while :; do echo on; echo on >> ${file}; sleep 0.01; done`;
    const ran = await sh(sandbox, script, { timeoutMs: 200, graceMs: 200 });
    expect(ran.stoppedBy).toBe('timeout');
    await noneLeft(ran.runId);
    const { size } = statSync(file);
    await sh(sandbox, 'sleep 0.2');
    expect(statSync(file).size).toBe(size);
  });

  test.each([
    ['with setsid', '(setsid sleep 60 >/dev/null 2>&1 </dev/null &) ; sleep 60 & echo started'],
    ['forked twice', '( (setsid sh -c "while :; do sleep 1; done" >/dev/null &) & ); echo started'],
  ])('leaves no daemon behind when it exits, %s', async (_, script) => {
    const ran = await sh(sandbox, script);
    expect(ran).toMatchObject({ exitCode: 0, stdout: 'started\n' });
    if (level === 'S0') {
      // Without a process namespace a daemon has to be looked for by the mark it carries.
      for (const { pid } of processesWith('WRIT_RUN', ran.runId)) process.kill(pid, 'SIGKILL');
    }
    await noneLeft(ran.runId);
  });

  test('has ended when it exits, although a child of it holds its output open', async () => {
    const ran = await sh(sandbox, 'setsid sleep 30 & echo started');
    expect(ran).toMatchObject({ exitCode: 0, stdout: 'started\n' });
    expect(ran.durationMs).toBeLessThan(3000);
    for (const { pid } of processesWith('WRIT_RUN', ran.runId)) process.kill(pid, 'SIGKILL');
  });

  test('that closes its output early goes on to its end', async () => {
    const ran = await sh(sandbox, 'exec >&- 2>&-; sleep 0.2; exit 4');
    expect(ran.exitCode).toBe(4);
  });

  test('that writes a lot is read to the last byte', async () => {
    const hash = createHash('sha256');
    const take = (piece: Buffer) => void hash.update(piece);
    const ran = await sh(sandbox, 'head -c 30000000 /dev/zero; echo end', { take });
    expect(ran.bytes).toBe(30_000_004);
    const expected = createHash('sha256').update(Buffer.alloc(30_000_000)).update('end\n');
    expect(hash.digest('hex')).toBe(expected.digest('hex'));
  });

  test('waits for a slow taker instead of filling memory', async () => {
    let taken = 0;
    let most = 0;
    const take = async (piece: Buffer) => {
      taken += piece.length;
      most = Math.max(most, process.memoryUsage().external);
      await new Promise((resolve) => setImmediate(resolve));
    };
    const before = process.memoryUsage().external;
    await sh(sandbox, 'head -c 50000000 /dev/zero', { take });
    expect(taken).toBe(50_000_000);
    expect(most - before).toBeLessThan(30_000_000);
  });

  test('gives the taker`s error after its end', async () => {
    const take = () => {
      throw new Error('disk full');
    };
    await expect(sh(sandbox, 'head -c 1000000 /dev/zero; exit 0', { take })).rejects.toThrow(
      'disk full',
    );
  });
});

const walled = sandboxes.filter(([level]) => level === 'S2');
(walled.length > 0 ? describe.each(walled) : describe.skip.each([['S2', noSandbox()] as const]))(
  '%s: the wall',
  (_, sandbox) => {
    test('hides files beside the workspace, and the home of whoever runs it', async () => {
      const { stdout } = await sh(
        sandbox,
        `ls -a /root /home 2>&1; ls ${tmpdir()}; cat /etc/shadow 2>&1`,
      );
      expect(stdout).not.toMatch(/^root:[^N]/m);
      expect(stdout.split('\n').filter((line) => line.startsWith('writ-'))).toEqual([
        folder.slice(folder.lastIndexOf('/') + 1),
      ]);
    });

    test('lets it write into its workspace and nowhere else', async () => {
      // Opened, never written: should the wall fail, nothing is harmed.
      const places = '/x /usr/x /etc/x /bin/x /lib/x /proc/sys/kernel/core_pattern /proc/sys/vm/x';
      const { stdout } = await sh(
        sandbox,
        `echo a > ${folder}/mine && echo ok; for place in ${places}; do (: >> $place) 2>/dev/null && echo opened $place; done; true`,
      );
      expect(stdout).toBe('ok\n');
      expect(readFileSync(join(folder, 'mine'), 'utf8')).toBe('a\n');
    });

    test('has no network but its own loopback, and no capability', async () => {
      const { stdout } = await sh(
        sandbox,
        'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "; grep CapEff /proc/self/status',
      );
      expect(stdout).toBe('lo\nCapEff:\t0000000000000000\n');
    });

    test('shows no process of others, by no path', async () => {
      const { stdout } = await sh(
        sandbox,
        `ls /proc | grep -c '^[0-9]'; cat /proc/1/root/etc/hostname /proc/self/root/etc/shadow 2>/dev/null; true`,
      );
      expect(Number(stdout.trim())).toBeLessThan(10);
    });

    test('keeps the environment of a step out of the process list', async () => {
      const controller = new AbortController();
      const env = { PATH: '/usr/bin:/bin', SECRET: 'in-no-process-list' };
      const argv: [string, ...string[]] = ['/bin/sh', '-c', 'echo up; sleep 30'];
      let listed = '';
      await runProcess({
        launch: sandbox.launch({ argv, cwd: '/', env, places: [] }),
        pipes,
        take: () => {
          listed = spawnSync('ps', ['-A', '-o', 'args=', '-ww']).stdout.toString();
          controller.abort('cancelled');
        },
        timeoutMs: 10_000,
        graceMs: 100,
        stop: controller.signal,
      });
      expect(listed).toContain('sleep 30');
      expect(listed).not.toContain('in-no-process-list');
    });

    test('that cannot be set up is our trouble, not the program`s', async () => {
      const { failure } = await runProcess({
        launch: sandbox.launch({
          argv: ['/bin/true'],
          cwd: '/',
          env: {},
          places: [{ kind: 'readable', path: '/no/such/place' }],
        }),
        pipes,
        take: () => undefined,
        timeoutMs: 10_000,
        stop: new AbortController().signal,
      });
      expect(failure).toMatchObject({ kind: 'infrastructure', code: 'sandbox_failed' });
      expect(failure?.message).toContain('/no/such/place');
    });
  },
);

test('what came in the half second after the exit is read, also when we stood still meanwhile', async () => {
  const [up, go] = [join(folder, 'up'), join(folder, 'go')];
  const standStill = () => {
    writeFileSync(go, '');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
  };
  let said = '';
  const take = (piece: Buffer) => {
    // Before timers, as after any long reaction to a message.
    if (said === '') setTimeout(() => setImmediate(standStill), 100);
    said += piece.toString();
  };
  const until = (path: string) => `until [ -e ${path} ]; do sleep 0.01; done`;
  const late = `setsid sh -c "echo first; : > ${up}; ${until(go)}; echo late"`;
  const ran = await sh(noSandbox(), `${late} & ${until(up)}`, { take });
  expect(said).toBe('first\nlate\n');
  expect(ran.exitCode).toBe(0);
});

test('pipes that somebody has removed are made anew', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'writ-pipes-'));
  const first = new PipeMaker(parent);
  (await first.open()).reader.destroy();
  const second = new PipeMaker(parent); // removes what the first one has made
  for (const maker of [first, second]) {
    const pipe = await maker.open();
    pipe.closeWriteEnd();
    expect(await pipe.reader.toArray()).toEqual([]);
  }
  rmSync(parent, { recursive: true });
});
