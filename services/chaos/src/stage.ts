/** What specs of faults do again and again: a stack, its client, work on it, and the last look. */
import { join } from 'node:path';
import { eventually, seededRandom } from '@writ/testing';
import { Client as Database } from 'pg';
import { unrest } from './aftermath';
import { check } from './check';
import { Client } from './client';
import { Harness, type HarnessOptions } from './harness';
import { stackLeft } from './processes-left';
import { type Execution, readWitness } from './witness';
import { makeDirective, type Wanted } from './workload';

type Kind = Pick<Wanted, 'once' | 'quick' | 'longTenths'>;

export class Stage {
  private readonly random = seededRandom(1);
  private number = 0;

  private constructor(
    readonly harness: Harness,
    readonly client: Client,
  ) {}

  static async open(options: Partial<HarnessOptions> = {}): Promise<Stage> {
    const harness = await Harness.start({ seed: 1, leaseMs: 3_000, ...options });
    return new Stage(harness, new Client(harness.doorUrl, join(harness.folder, 'history.jsonl')));
  }

  /** Ends everything; what is left of it then, one line each. */
  async close(): Promise<string[]> {
    await this.harness.stop();
    const left = stackLeft(this.harness.home);
    await this.harness.remove();
    return left;
  }

  witness(): Execution[] {
    return readWitness(this.harness.witnessFile);
  }

  submitAll(count: number, kind: Kind = {}): Promise<string[]> {
    const { workFolder } = this.harness;
    const directives = Array.from({ length: count }, () =>
      makeDirective(this.random, { number: (this.number += 1), workFolder, ...kind }),
    );
    return Promise.all(directives.map((directive) => this.client.submit(directive)));
  }

  /** Steps of these directives are being carried out. */
  underWay(ids: readonly string[], steps = 3): Promise<boolean> {
    const done = () => this.witness().filter((it) => ids.includes(it.directive) && it.succeeded);
    const what = 'the work to be in its middle';
    return eventually(() => done().length >= steps, { what, timeoutMs: 30_000, every: 50 });
  }

  async ask<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    const database = new Database({ connectionString: this.harness.postgres.url });
    await database.connect();
    try {
      return (await database.query<Row>(sql, values)).rows;
    } finally {
      await database.end();
    }
  }

  /** Whatever does not hold, by all that clients, steps and the log say; only of use in peace. */
  found(history = this.client.history, executions = this.witness()): Promise<string[]> {
    const { gatewayUrl, repository } = this.harness;
    const databaseUrl = this.harness.postgres.url;
    return check({ databaseUrl, gatewayUrl, history, executions, repository });
  }

  /** Waits until all of these are. */
  async completed(ids: readonly string[], timeoutMs = 90_000): Promise<void> {
    await eventually(
      async () => {
        const own = (await this.client.list()).filter(({ id }) => ids.includes(id));
        const open = own.filter(({ status }) => status !== 'completed');
        if (open.length > 0) throw new Error(open.map((it) => `${it.id} ${it.status}`).join(', '));
        return own.length === new Set(ids).size;
      },
      { what: 'every directive to be completed', timeoutMs, every: 200 },
    );
  }

  /** All of these are completed, and everything holds. */
  async expectAllWell(ids: readonly string[]): Promise<void> {
    await this.completed(ids);
    expect(await unrest(this.harness)).toEqual([]);
    expect(await this.found()).toEqual([]);
  }
}
