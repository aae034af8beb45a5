/**
 * Plays Writ against a worker and misbehaves, and says what the worker stands. Owns the NATS that it is
 * done over, when none is named.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startNats } from '@writ/embedded-servers';
import { runConformance, type CaseResult } from '@writ/worker-protocol';

import { EXIT } from '../cli-error';
import { Output, usesColour } from '../output';
import type { CommonOptions } from '../program';
import { duration, styleFor } from '../view/style';

interface ConformanceFlags extends CommonOptions {
  readonly name: string;
  readonly input?: unknown;
  readonly slowInput?: unknown;
  /** Of a server that runs; its token is in NATS_TOKEN. */
  readonly nats?: URL;
}

const PATIENCE_MS = 30_000;
const NATS_PORT = 4222;
const marks = { passed: '✓', failed: '✗', skipped: '-' } as const;

export async function conformance(
  argv: readonly string[],
  options: ConformanceFlags,
): Promise<number> {
  const output = new Output(options);
  const { name, input, slowInput, timeoutMs: patienceMs = PATIENCE_MS } = options;
  const server = options.nats ? serverAt(options.nats) : await ownServer();
  try {
    const report = await runConformance({
      ...{ argv, name, input: input ?? null, slowInput, patienceMs, env: process.env },
      nats: server,
      finished: (result) => {
        if (!output.json) output.data(line(result));
      },
    });
    if (output.json) output.value(report);
    else if (!report.ok && report.stderr !== '') output.talk(`the worker said:\n${report.stderr}`);
    return report.ok ? EXIT.ok : EXIT.error;
  } finally {
    await server.stop();
  }
}

function line({ name, promise, outcome, message, durationMs }: CaseResult): string {
  const style = styleFor(usesColour(process.stdout));
  const first = `${style.status(outcome, `${marks[outcome]} ${name}`)}: ${promise}`;
  const took = outcome === 'skipped' ? '' : style.dim(` (${duration(durationMs)})`);
  return `${first}${took}${message === undefined ? '' : `\n    ${message}`}`;
}

interface Server {
  readonly host: string;
  readonly port: number;
  readonly token?: string;
  stop(): Promise<void>;
}

function serverAt({ hostname: host, port }: URL): Server {
  const token = process.env['NATS_TOKEN'];
  return { host, port: Number(port) || NATS_PORT, token, stop: () => Promise.resolve() };
}

async function ownServer(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-conformance-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const { port, stop } = await startNats({
      storeDir: join(folder, 'store'),
      tetherToParent: true,
    });
    return { host: '127.0.0.1', port, stop: () => stop().finally(remove) };
  } catch (error) {
    remove();
    throw error;
  }
}
