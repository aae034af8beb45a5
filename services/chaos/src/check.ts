/**
 * Whether all that has to hold does, when everything has come to rest: in the log, between the log and
 * what clients were told, between the log and what the steps saw, in what can be made again from it, and
 * among the processes of the machine. One line for each thing that is broken; none when all is well.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { LogVerification, RebuildReport } from '@writ/contracts';
import { Client } from 'pg';
import type { HistoryLine } from './client';
import { brokenInTheLog } from './invariants';
import { programsLeft } from './processes-left';
import { begunAgain, type Execution, overlaps, successes } from './witness';
import { onceStep, silentSteps } from './workload';

export interface Checked {
  /** A superuser's, past the proxies. */
  readonly databaseUrl: string;
  readonly gatewayUrl: string;
  readonly history: readonly HistoryLine[];
  readonly executions: readonly Execution[];
}

const cli = join(__dirname, '..', '..', 'cli', 'dist', 'main.js');
const COMMAND_LIMIT_MS = 120_000;

export async function check(checked: Checked): Promise<string[]> {
  const client = new Client({ connectionString: checked.databaseUrl });
  await client.connect();
  try {
    const log = await brokenInTheLog(client);
    return [
      ...log,
      ...(await brokenAnswers(client, checked.history)),
      ...(await brokenWitness(client, checked.executions)),
      ...(await brokenRebuild(checked.gatewayUrl).catch(notAnswered)),
      ...(await brokenChain(checked.gatewayUrl).catch(notAnswered)),
      ...programsLeft(accepted(checked.history)),
    ];
  } finally {
    await client.end();
  }
}

/** The directives that clients were told are accepted. */
export function accepted(history: readonly HistoryLine[]): Set<string> {
  return new Set(history.flatMap(({ op, directiveId }) => (op === 'ok' ? directiveId! : [])));
}

async function brokenAnswers(client: Client, history: readonly HistoryLine[]): Promise<string[]> {
  const created = await client.query<{ stream: string }>(
    `select stream from log.event where type = 'DirectiveCreated'`,
  );
  const known = new Set(created.rows.map(({ stream }) => stream.slice('directive-'.length)));
  const lost = [...accepted(history)].filter((id) => !known.has(id));
  const told = new Map<string, string>();
  const changed = history.flatMap(({ op, key, directiveId = '' }) => {
    if (op !== 'ok') return [];
    const before = told.get(key) ?? directiveId;
    told.set(key, directiveId);
    return before === directiveId ? [] : [`key ${key} was told ${before}, then ${directiveId}`];
  });
  return [...lost.map((id) => `a client was told of ${id}, and the log has no such`), ...changed];
}

/** What the steps saw, against itself and against what the log says of them. */
async function brokenWitness(client: Client, executions: readonly Execution[]): Promise<string[]> {
  const passed = await client.query<{ step: string }>(
    `select substr(stream, 11) || ' ' || (data::jsonb ->> 'step') as step
     from log.event where type = 'StepPassed' and not data::jsonb ->> 'step' = any($1)`,
    [silentSteps],
  );
  const seen = successes(executions);
  const unseen = passed.rows.filter(({ step }) => !seen.get(step));
  const once = [...seen.keys()].filter((step) => step.endsWith(` ${onceStep}`));
  return [
    ...overlaps(executions),
    ...begunAgain(executions, new Set(once)),
    ...unseen.map(({ step }) => `${step} passed, and no execution of it came to its end`),
  ];
}

/** It must not hide what else was found. */
const notAnswered = (error: Error) => [`nobody can say: ${error.message}`];

async function brokenRebuild(gatewayUrl: string): Promise<string[]> {
  const { projections } = await writ<RebuildReport>(gatewayUrl, ['rebuild', '--check', '--json']);
  return projections
    .filter(({ equal }) => !equal)
    .map(({ name }) => `the read model ${name} is not what a rebuild gives`);
}

async function brokenChain(gatewayUrl: string): Promise<string[]> {
  const { ok, firstBad } = await writ<LogVerification>(gatewayUrl, ['log', 'verify', '--json']);
  return ok ? [] : [`log verify finds position ${firstBad?.position}: ${firstBad?.reason}`];
}

/** What the command prints; its exit code says nothing that is not in there. */
function writ<T>(gatewayUrl: string, argv: string[]): Promise<T> {
  const env = { ...process.env, WRIT_URL: gatewayUrl, NO_COLOR: '1' };
  return new Promise((resolve, reject) => {
    const options = { env, timeout: COMMAND_LIMIT_MS };
    execFile(process.execPath, [cli, ...argv], options, (error, stdout, stderr) => {
      if (stdout.startsWith('{')) resolve(JSON.parse(stdout) as T);
      else reject(new Error(`writ ${argv.join(' ')}: ${stderr.trim() || error?.message}`));
    });
  });
}
