/** The executor out of its parts: alike as a process, in specs and in the simulator. */
import { systemClock } from '@writ/contracts';
import { runDecider } from '@writ/domain';
import { Aggregates, uuidV7 } from '@writ/event-log';
import { WorkerDesk } from '@writ/worker-protocol';
import type { Outbound } from '@writ/outbound-http';
import { noSeams, type Seams } from '@writ/service-host';
import { ActiveRuns } from './active-runs';
import { hearOutcomes } from './cancel-runs';
import { DirectiveWatch } from './directive-watch';
import type { Executor } from './executor';
import { LeaseKeeper } from './leases/lease-keeper';
import type { CacheTable } from './run-cache/cache-table';
import { RunCache } from './run-cache/run-cache';
import { StreamFolds } from './stream-folds';
import { localWorkshop } from './workshop';
import { localRepositories } from './workspaces/repositories';
import { Turns } from './workspaces/turns';
import { WorkspaceAnswers } from './workspaces/workspace-answers';

type Given =
  'executorId' | 'log' | 'bus' | 'content' | 'history' | 'leases' | 'programs' | 'leaveMs';
type Watched = 'logger' | 'metrics' | 'rebuild' | 'successesOf';
/** Default: the system's clock and chance, and this machine. */
type Chosen = 'clock' | 'random' | 'newId' | 'workshop' | 'repositories';

export interface ExecutorParts
  extends Pick<Executor, Given | Watched>, Partial<Pick<Executor, Chosen>> {
  readonly cacheTable: CacheTable;
  /** Between it and whatever it calls. Default: nothing. */
  readonly seams?: Pick<Seams, 'area'>;
  /** Asks others over HTTP. */
  readonly outbound: Pick<Outbound, 'request'>;
  /** A worker that has taken a step and says nothing for so long counts as dead. */
  readonly silenceMs: number;
  /** How often it is looked after a run of another process with the same bundle. */
  readonly cachePollMs?: number;
}

export interface ComposedExecutor {
  readonly executor: Executor;
  readonly keeper: LeaseKeeper;
  /** Its heartbeats, and what it hears by the way. */
  begin(): Promise<void>;
}

/** A run is looked at when it begins and when it ends; this spares the reading in between. */
const cacheSize = 1_000;

export function composeExecutor(parts: ExecutorParts): ComposedExecutor {
  const { clock = systemClock, random = Math.random, newId = uuidV7, ...given } = parts;
  const { log, bus, cachePollMs: pollMs, seams = noSeams } = parts;
  const leases = seams.area('lease', parts.leases);
  const table = seams.area('cache', parts.cacheTable);
  const { outbound, silenceMs } = parts;
  const workers = new WorkerDesk({ bus, clock, newToken: newId, silenceMs });
  const broadcast = (subject: string, bytes: Uint8Array) => bus.broadcast(subject, bytes);
  const workshop =
    parts.workshop ?? localWorkshop({ ...given, clock, random, broadcast, workers, outbound });
  const repositories = parts.repositories ?? localRepositories(given.programs);
  const executor: Executor = {
    ...{ ...given, clock, random, newId, leases, workers },
    workshop: seams.area('program', workshop),
    repositories: seams.area('repository', repositories),
    runs: new Aggregates({ log, decider: runDecider, cacheSize, clock, random, newId }),
    cache: new RunCache({ table, log, bus, pollMs, clock }),
    active: new ActiveRuns(),
    watch: new DirectiveWatch(log),
    workspaces: new StreamFolds(log, () => new WorkspaceAnswers()),
    turns: new Turns(),
  };
  const keeper = new LeaseKeeper({ ...executor, everyMs: leases.ttlMs / 4 });
  return {
    executor,
    keeper,
    begin: async () => {
      executor.programs.warden.limitBy(() => keeper.leftMs());
      keeper.start();
      await hearOutcomes(executor);
    },
  };
}
