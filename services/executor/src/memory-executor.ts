/**
 * Executors on a log, a bus, leases and a run cache in memory, which run real programs: for specs.
 * Several share one world and compete as over a database.
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMemoryStore, type ContentStore } from '@writ/content-store';
import {
  RunWork as RunWorkSchema,
  streamOf,
  subjects,
  VersionConflict,
  type PastRun,
  type RunEnded,
  type RunWork,
} from '@writ/contracts';
import { MemoryLog, uuidV7, type EventLog } from '@writ/event-log';
import { connectHandlers, MemoryBus, MemoryServer } from '@writ/messaging';
import {
  createLogger,
  createRegistry,
  metricsOf,
  programMetrics,
  type Logger,
} from '@writ/observability';
import { AllowList, Outbound } from '@writ/outbound-http';
import type { Sandbox } from '@writ/programs';
import { claimCheckOf, publishingLog } from '@writ/service-host';
import { composeExecutor } from './compose-executor';
import { readConfig } from './config';
import type { Executor } from './executor';
import type { LeaseKeeper } from './leases/lease-keeper';
import { leaseTable, MemoryLeases } from './leases/memory-leases';
import { openPrograms, type StepHost } from './open-programs';
import { placesOfEach } from './places';
import { MemoryCacheTable, reservationTable } from './run-cache/memory-cache-table';
import { executorSubscriptions } from './subscriptions';

export interface MemoryExecutor extends Executor {
  readonly keeper: LeaseKeeper;
  readonly bus: MemoryBus;
  /** Its metrics, as text. */
  metricsText(): Promise<string>;
  stop(): Promise<void>;
}

export interface OpenOptions {
  /** Variables beyond those that every executor needs. */
  readonly env?: Readonly<Record<string, string>>;
  readonly ttlMs?: number;
  readonly programs?: Partial<StepHost>;
  readonly deps?: Partial<Pick<Executor, 'leases'>>;
}

export class MemoryWorld {
  /** Tried once, for all. */
  private static sandbox: Sandbox | undefined;
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'writ-executor-')));
  readonly log = new MemoryLog();
  readonly server = new MemoryServer();
  readonly content: ContentStore = openMemoryStore();
  private readonly leases = leaseTable();
  private readonly reservations = reservationTable();
  private readonly executors: MemoryExecutor[] = [];
  /** The planner's, so to say: outlives any executor. */
  readonly bus = new MemoryBus({ server: this.server, claimCheck: claimCheckOf(this.content) });
  /** What a read model would have of past runs. */
  readonly history = new Map<string, readonly PastRun[]>();
  private rings = 0;

  async open(executorId: string, options: OpenOptions = {}): Promise<MemoryExecutor> {
    const logger = createLogger({ service: 'executor', instance: executorId, level: 'silent' });
    const env = { PATH: process.env['PATH'] ?? '', ...options.env };
    const config = { ...readConfig(this.required(env)), WRIT_LEASE_MS: options.ttlMs ?? 10_000 };
    const registry = createRegistry('executor', 'test');
    const metrics = metricsOf(registry, 'executor');
    const tools = { logger, counters: programMetrics(registry), metrics };
    const opened = await openPrograms(config, env, tools, MemoryWorld.sandbox);
    MemoryWorld.sandbox ??= opened.sandbox;
    const programs = { ...opened, ...options.programs };
    const claimCheck = claimCheckOf(this.content);
    const bus = new MemoryBus({ server: this.server, name: executorId, claimCheck });
    const log = this.publishing(bus, logger);
    const ttlMs = config.WRIT_LEASE_MS;
    const { reservations } = this;
    const {
      executor: deps,
      keeper,
      begin,
    } = composeExecutor({
      ...{ executorId, log, bus, content: this.content, programs, logger, leaveMs: 500 },
      cacheTable: new MemoryCacheTable({ log, reservations, ttlMs }),
      cachePollMs: 50,
      history: { runsOf: () => Promise.resolve(this.history) },
      leases: new MemoryLeases(this.leases, executorId, ttlMs),
      metrics,
      silenceMs: config.WRIT_WORKER_SILENCE_MS,
      outbound: new Outbound(new AllowList(config.WRIT_HTTP_ALLOW)),
      successesOf: async (step, before) => {
        const ends = await log.readAll({ types: ['RunEnded'], limit: 10_000 });
        return ends
          .filter(({ position, data }) => position < before && (data as RunEnded).step === step)
          .filter(({ data }) => (data as RunEnded).result === 'success')
          .map(({ data }) => (data as RunEnded).runId)
          .reverse();
      },
      random: () => 0.5,
      rebuild: () => Promise.reject(new Error('there is no read model in memory')),
      ...options.deps,
    });
    programs.warden.start();
    await begin();
    const places = placesOfEach(16);
    const Subscriptions = executorSubscriptions({ messages: 16, places });
    await connectHandlers(bus, new Subscriptions(deps) as object);
    const stop = async () => {
      await deps.workers.close();
      await stopExecutor(bus, keeper, programs);
    };
    const running = { ...deps, bus, keeper, stop, metricsText: () => registry.metrics() };
    this.executors.push(running);
    return running;
  }

  /** The planner's part: the step is started in the log, and its work is sent. */
  async start(work: Partial<RunWork> & Pick<RunWork, 'adapter'>): Promise<RunWork> {
    const whole = workOf(work);
    const { step, runId, attempt, directiveId } = whole;
    await this.append(streamOf.directive(directiveId), 'StepStarted', { step, runId, attempt });
    await this.ring(whole);
    return whole;
  }

  /** Sends the work, once more as the case may be. */
  ring(
    work: object,
    kind = (work as Partial<RunWork>).adapter?.kind ?? 'workspace',
  ): Promise<void> {
    const id = `ring-${(this.rings += 1)}`;
    const attributes = { id, type: 'writ.work', source: '/test', time: new Date().toISOString() };
    return this.bus.send({
      subject: subjects.work(kind),
      dataText: JSON.stringify(work),
      attributes,
    });
  }

  async append(stream: string, type: string, data: unknown): Promise<void> {
    const actor = { kind: 'service', id: 'test' } as const;
    const metadata = { commandId: 'c', correlationId: 'c', actor };
    const event = { id: uuidV7(), type, schemaVersion: 1, data, metadata };
    for (;;) {
      const [last] = await this.log.lastEvents([stream]);
      try {
        await this.log.append({ stream, expectedVersion: last?.version ?? 0, events: [event] });
        return;
      } catch (error) {
        if (!(error instanceof VersionConflict)) throw error;
      }
    }
  }

  async endOf(runId: string): Promise<RunEnded | undefined> {
    const [last] = await this.log.lastEvents([streamOf.run(runId)]);
    return last?.type === 'RunEnded' ? (last.data as RunEnded) : undefined;
  }

  async typesOf(runId: string): Promise<string[]> {
    return (await this.log.readStream(streamOf.run(runId))).map((event) => event.type);
  }

  async close(): Promise<void> {
    await Promise.all(this.executors.map((it) => it.stop()));
    await this.bus.drain(1_000);
    this.server.wipe(); // and with the messages the timers that would deliver them again
    rmSync(this.folder, { recursive: true, force: true });
  }

  private publishing(bus: MemoryBus, logger: Logger): EventLog {
    const reporter = { published: () => undefined };
    return publishingLog(this.log, { bus, reporter, logger, source: '/writ/executor' });
  }

  private required(env: Readonly<Record<string, string>>): Record<string, string> {
    return {
      DATABASE_URL: 'postgres://writ_executor:not-used-here@127.0.0.1/writ',
      NATS_URL: 'nats://127.0.0.1:4222',
      WRIT_CONTENT_DIR: join(this.folder, 'content'),
      WRIT_DATA_DIR: join(this.folder, 'data'),
      ...env,
    };
  }
}

async function stopExecutor(
  bus: MemoryBus,
  keeper: LeaseKeeper,
  { warden, pipes }: StepHost,
): Promise<void> {
  await bus.drain(5_000);
  await keeper.stop();
  await warden.close();
  pipes.close();
}

let runs = 0;

/** Work with everything that is not said made up; each call is another run. */
export function workOf(more: Partial<RunWork> & Pick<RunWork, 'adapter'>): RunWork {
  const directiveId = more.directiveId ?? 'abcdefgh12345678';
  const step = more.step ?? `step${(runs += 1)}`;
  const attempt = more.attempt ?? 1;
  return RunWorkSchema.parse({
    ...{ directiveId, step, attempt, generation: 1, type: 'implement', timeoutMs: 20_000 },
    ...{ retry: {}, idempotent: false, cache: false, inputs: [], outputs: [], dependencies: [] },
    runId: `${directiveId}-g1-${step}-a${attempt}`,
    workspace: { spec: { kind: 'none' } },
    ...more,
  });
}
