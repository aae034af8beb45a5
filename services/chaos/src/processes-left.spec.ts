import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { programsLeft, stackLeft } from './processes-left';

let children: ChildProcess[] = [];

/** Lives until it is ended. */
async function start(argv: string[], env: Record<string, string>): Promise<ChildProcess> {
  const wait = 'process.stdout.write("."); process.stdin.resume()';
  const child = spawn(process.execPath, ['-e', wait, ...argv], { env, stdio: 'pipe' });
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
});

it('sees a program of a directive that is over, and nobody else', async () => {
  const { pid } = await start([], { WRIT_DIRECTIVE: 'aaaaaaaaaaaaaaaa' });
  expect(programsLeft(new Set(['bbbbbbbbbbbbbbbb']))).toEqual([]);
  expect(programsLeft(new Set(['aaaaaaaaaaaaaaaa']))).toEqual([
    expect.stringMatching(`^process ${pid} is left: `),
  ]);
});

it('sees services and servers of a stack, and no one who reads its files', async () => {
  const service = await start([], { WRIT_HOME: '/nowhere/stack' });
  const server = await start(['/nowhere/stack/nats.conf'], {});
  await start(['/nowhere/stack/logs/nats.log'], { OLDPWD: '/nowhere/stack' });
  const pids = stackLeft('/nowhere/stack').map((line) => Number(line.split(' ')[1]));
  expect(pids.sort()).toEqual([service.pid, server.pid].sort());
});
