/**
 * Whether all that has to hold does, when everything has come to rest: in the log, between the log and
 * what clients were told, between the log and what the steps saw, in what can be made again from it, and
 * among the processes of the machine. One line for each thing that is broken; none when all is well.
 */
import { Client } from 'pg';
import { accepted, brokenAnswers } from './check-history';
import { brokenRecord } from './check-record';
import { brokenWitness } from './check-witness';
import type { HistoryLine } from './client';
import { brokenInTheLog } from './invariants';
import { programsLeft } from './processes-left';
import { brokenRepository } from './repository';
import type { Execution } from './witness';

export interface Checked {
  /** A superuser's, past the proxies. */
  readonly databaseUrl: string;
  readonly gatewayUrl: string;
  readonly history: readonly HistoryLine[];
  readonly executions: readonly Execution[];
  /** The repository that steps worked on. */
  readonly repository?: string;
}

export async function check(checked: Checked): Promise<string[]> {
  const { databaseUrl, gatewayUrl, history, executions, repository } = checked;
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return [
      ...(await brokenInTheLog(client)),
      ...(await brokenAnswers(client, history)),
      ...(await brokenWitness(client, executions)),
      ...(repository === undefined ? [] : await brokenRepository(repository, client)),
      ...(await brokenRecord(client, gatewayUrl)),
      ...programsLeft(accepted(history)),
    ];
  } finally {
    await client.end();
  }
}
