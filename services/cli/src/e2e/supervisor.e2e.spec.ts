/** How a stack ends, however it is ended: nothing is left running, and the next one starts. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { DirectiveSummary } from '@writ/contracts';
import { isSameProcessAlive } from '@writ/embedded-servers';
import { eventually, TestStack, writ } from '@writ/testing';

import type { Note } from '../local/claim-home';

const bin = resolve(__dirname, '../../bin/writ.js');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'writ-supervisor-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const noteOf = (home: string) =>
  JSON.parse(readFileSync(join(home, 'supervisor.json'), 'utf8')) as Note;

async function expectAllEnded({ supervisor, processes }: Note): Promise<void> {
  expect(Object.keys(processes)).toHaveLength(7);
  await eventually(
    () => {
      const all = Object.entries({ supervisor, ...processes });
      return all.filter(([, it]) => isSameProcessAlive(it)).map(([name]) => name).length === 0;
    },
    { what: 'every process to end', timeoutMs: 45_000, every: 100 },
  );
}

/** Whoever may look at a service reads no password off it. */
function expectNoSecrets({ processes }: Note, home: string): void {
  if (process.platform !== 'linux') return;
  const { databaseUrl, natsUrl } = JSON.parse(readFileSync(join(home, 'stack.json'), 'utf8'));
  const secrets = [new URL(databaseUrl).password, new URL(natsUrl).username];
  const seen = readFileSync(`/proc/${processes['planner']!.pid}/environ`, 'utf8');
  expect(seen).toContain('WRIT_STANDBY=1');
  expect(seen).not.toMatch(/(^|\0)(DATABASE_URL|NATS_TOKEN)=/);
  for (const secret of secrets) expect([secret, seen.includes(secret)]).toEqual([secret, false]);
}

it('leaves nothing running when the supervisor is killed, and the next start takes the work up', async () => {
  const stack = await TestStack.start();
  const home = join(stack.home, '.writ');
  try {
    const adapter = { kind: 'shell', script: 'sleep 1; echo done > done.txt' };
    const about = { idempotent: true, outputs: ['done.txt'], verify: 'none' };
    const steps = [{ name: 'one', adapter, ...about }];
    const file = join(stack.home, 'work.json');
    writeFileSync(file, JSON.stringify({ title: 't', goal: 'g', chain: { steps } }));
    await stack.json(['submit', file]);
    const note = noteOf(home);
    expectNoSecrets(note, home);
    process.kill(note.supervisor.pid, 'SIGKILL');
    await expectAllEnded(note);
    const alone = await stack.writ(['list']);
    expect(alone).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no stack is running'),
    });
    expect((await stack.writ(['up', '--detach'])).code).toBe(0);
    await eventually(
      async () => {
        const [directive] = await stack.json<DirectiveSummary[]>(['list']);
        expect(directive?.status).toBe('completed');
      },
      { what: 'the work to be completed', timeoutMs: 60_000, every: 200 },
    );
  } finally {
    await stack.stop();
  }
}, 180_000);

it('stops in order on Ctrl-C in the foreground, also while it starts', async () => {
  const home = join(folder, '.writ');
  const up = () => {
    const env = { ...process.env, WRIT_HOME: home };
    const child = spawn(process.execPath, [bin, 'up'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const said: { text: string } = { text: '' };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (said.text += text));
    }
    const ended = new Promise<number | null>((done) => child.once('close', done));
    const says = (words: string) =>
      eventually(() => said.text.includes(words), { what: `"${words}"`, timeoutMs: 90_000 });
    return { child, says, ended };
  };
  const first = up();
  await first.says('bringing the database up to date');
  first.child.kill('SIGINT');
  expect(await first.ended).toBe(130);
  expect((await writ(['doctor', '--json'], { env: { WRIT_HOME: home } })).code).toBe(0);

  const second = up();
  await second.says('Ctrl-C stops it');
  const note = noteOf(home);
  second.child.kill('SIGINT');
  expect(await second.ended).toBe(0);
  await expectAllEnded(note);
}, 180_000);

it('is started once by two who start it at the same time', async () => {
  const env = { WRIT_HOME: join(folder, '.writ') };
  try {
    const both = await Promise.all([
      writ(['up', '--detach', '--json'], { env }),
      writ(['up', '--detach', '--json'], { env }),
    ]);
    expect(both.map(({ code }) => code).sort()).toEqual([0, 1]);
    const { stderr } = both.find(({ code }) => code === 1)!;
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'already_running' } });
  } finally {
    expect(await writ(['down', '--json'], { env })).toMatchObject({ code: 0 });
  }
}, 180_000);
