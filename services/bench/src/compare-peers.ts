/**
 * Writ beside other systems on this machine in this hour: their scripts run first, then our jobs, and
 * what counts are ratios. The scripts belong to somebody else: a folder with `setup.sh`, `pg.sh` and
 * `run.sh PEER perf`, which prints one line of JSON for each figure.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, Parameters } from './job';
import { cached } from './jobs/cached';
import { chain } from './jobs/chain';
import { fanOut } from './jobs/fan-out';
import { single } from './jobs/single';
import { comparisonOf, linesOf, type Comparison, type Line, type Own } from './peer-figures';
import { runJob } from './run-job';

const PERF_WITHIN_MS = 15 * 60_000;
const ownJobs: readonly (readonly [Job, Parameters])[] = [
  [chain, { directives: 100, steps: 10 }],
  [chain, { directives: 500, steps: 10 }],
  [fanOut, { steps: 1_000 }],
  [single, { steps: 10, times: 40 }],
  [cached, { steps: 10, times: 40 }],
];

export async function comparePeers({
  folder,
  json,
}: {
  readonly folder: string;
  readonly json: boolean;
}): Promise<void> {
  const peers = new PeerScripts(folder);
  const lines = await peers.perf();
  const own: Own[] = [];
  for (const [job, parameters] of ownJobs) {
    const result = await runJob(job, parameters, { warmUp: 100 });
    own.push({ job: job.name, parameters, result });
  }
  const comparison = comparisonOf(own, lines);
  process.stdout.write(`${json ? JSON.stringify(comparison) : inWords(comparison)}\n`);
}

class PeerScripts {
  /** Where they keep what they make. */
  private readonly made = process.env['PEERS'] ?? join(tmpdir(), 'writ-peers');

  constructor(private readonly folder: string) {
    if (!existsSync(join(folder, 'run.sh'))) throw new Error(`${folder} has no run.sh`);
  }

  async perf(): Promise<Line[]> {
    const isSetUp = ['dbos', 'restate'].every((it) =>
      existsSync(join(this.made, it, 'node_modules')),
    );
    if (!isSetUp) await this.script('setup.sh');
    // Fails when it runs already, which is as well.
    const started = await this.script('pg.sh', 'start').then(
      () => true,
      () => false,
    );
    try {
      const restate = await this.script('run.sh', 'restate', 'perf');
      const dbos = await this.script('run.sh', 'dbos', 'perf');
      return linesOf(`${restate}\n${dbos}`);
    } finally {
      if (started) await this.script('pg.sh', 'stop');
    }
  }

  /** Its stdout; what it says otherwise is shown. */
  private script(name: string, ...argv: string[]): Promise<string> {
    process.stderr.write(`peers: ${[name, ...argv].join(' ')}\n`);
    return new Promise((resolve, reject) => {
      const env = { PARTITIONS: '2', ...process.env, PEERS: this.made };
      const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit'];
      const child = spawn('bash', [join(this.folder, name), ...argv], { env, stdio });
      const limit = setTimeout(() => child.kill('SIGKILL'), PERF_WITHIN_MS);
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      child.once('error', reject);
      // A server that it started may hold the pipe open, so its own end counts.
      child.once('exit', (code, signal) => {
        clearTimeout(limit);
        child.stdout.destroy();
        if (code === 0) resolve(text);
        else reject(new Error(`${name} ${argv.join(' ')} ended with ${code ?? signal}`));
      });
    });
  }
}

function inWords(comparison: readonly Comparison[]): string {
  return comparison
    .map(({ figure, unit, writ, peers }) => {
      const others = peers.map(({ name, value, ratio }) => `${name} ${value} (${ratio}x)`);
      return `${figure}: writ ${writ} ${unit}; ${others.join(', ')}`;
    })
    .join('\n');
}
