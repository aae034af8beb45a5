/**
 * The wires: every subject, stream and consumer of Writ, as data. `messaging` applies this table to
 * NATS, docs/SUBJECTS.md and the AsyncAPI document are written from it. One consumer has one filter
 * subject, since servers before 2.10 know no more.
 */

export const subjects = {
  command: (verb: string) => `writ.command.directive.${verb}`,
  scheduleCommand: (verb: string) => `writ.command.schedule.${verb}`,
  ruleCommand: (verb: string) => `writ.command.rule.${verb}`,
  work: (adapter: string) => `writ.work.${adapter}`,
  evaluate: (kind: string) => `writ.evaluate.${kind}`,
  event: (aggregate: string, id: string, type: string) => `writ.event.${aggregate}.${id}.${type}`,
  query: (service: string, name: string) => `writ.query.${service}.${name}`,
  log: (runId: string) => `writ.log.${runId}`,
  dead: (reason: string) => `writ.dead.${reason}`,
  /** To a worker: work for whoever of that name is free, and word that it is not wanted any more. */
  workerWork: (name: string) => `writ.worker.${name}.work`,
  workerCancel: (name: string, runId: string) => `writ.worker.${name}.cancel.${runId}`,
  /** From a worker, about one handing out of a piece of work. */
  workerSays: (name: string, runId: string, handing: string) =>
    `writ.worker.${name}.says.${runId}.${handing}`,
  /** Each process says here which positions it has published; the relay publishes the rest. */
  published: 'writ.relay.published',
} as const;

/** The subject of an event: its stream is `<aggregate>-<id>`. */
export function eventSubject(stream: string, type: string): string {
  const dash = stream.indexOf('-');
  return subjects.event(stream.slice(0, dash), stream.slice(dash + 1), type);
}

export interface StreamDefinition {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly retention: 'workqueue' | 'limits';
  /**
   * `memory` for what the log can ring again at once: a sync to disk for each message would buy
   * nothing. `file` for what exists nowhere else: commands not decided yet, and dead letters.
   */
  readonly storage: 'file' | 'memory';
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  /**
   * How long NATS itself drops a repeated message id. A help only: consumers are idempotent. It keeps
   * the ids of so long in memory, thousands a second under load.
   */
  readonly duplicateWindowMs: number;
  readonly purpose: string;
}

const minute = 60_000;
const hour = 60 * minute;
const mib = 1024 * 1024;

export const streams = {
  commands: {
    name: 'WRIT_COMMANDS',
    subjects: ['writ.command.>'],
    retention: 'workqueue',
    storage: 'file',
    maxAgeMs: 7 * 24 * hour,
    maxBytes: 1024 * mib,
    duplicateWindowMs: 2 * minute,
    purpose: 'commands to the planner, until they are decided',
  },
  work: {
    name: 'WRIT_WORK',
    subjects: ['writ.work.>', 'writ.evaluate.>'],
    retention: 'workqueue',
    storage: 'memory',
    maxAgeMs: 24 * hour,
    maxBytes: 512 * mib,
    duplicateWindowMs: minute / 2,
    purpose: 'steps to execute and runs to evaluate; rung again from the log when lost',
  },
  // Not in WRIT_WORK: whoever may take from this one is a stranger, and may take nothing else.
  workers: {
    name: 'WRIT_WORKERS',
    subjects: ['writ.worker.*.work'],
    retention: 'workqueue',
    storage: 'memory',
    maxAgeMs: hour,
    maxBytes: 64 * mib,
    duplicateWindowMs: minute / 2,
    purpose: 'work for workers, until one takes it; handed out again while it is wanted',
  },
  events: {
    name: 'WRIT_EVENTS',
    subjects: ['writ.event.>'],
    retention: 'limits',
    storage: 'memory',
    maxAgeMs: hour,
    maxBytes: 256 * mib,
    duplicateWindowMs: minute / 2,
    purpose: 'what happened, for whoever listens; the log keeps it for ever',
  },
  dead: {
    name: 'WRIT_DEAD',
    subjects: ['writ.dead.>'],
    retention: 'limits',
    storage: 'file',
    maxAgeMs: 90 * 24 * hour,
    maxBytes: 1024 * mib,
    duplicateWindowMs: 2 * minute,
    purpose: 'what could not be handled, with the error and the original',
  },
} as const satisfies Record<string, StreamDefinition>;

export interface ConsumerDefinition {
  /** The durable name, `<service>-<what>`. */
  readonly name: string;
  readonly stream: string;
  readonly subject: string;
  /** Not acknowledged within this: delivered again. Extended while a reaction works. */
  readonly ackWaitMs: number;
  /**
   * After so many failures of its own the message is a dead letter. That what all work stands on is
   * away (`Unavailable`) is no failure of a message, however long it lasts.
   */
  readonly maxDeliver: number;
  readonly purpose: string;
}

const consumer = (
  name: string,
  stream: StreamDefinition,
  subject: string,
  purpose: string,
): ConsumerDefinition => ({
  name,
  stream: stream.name,
  subject,
  ackWaitMs: 30_000,
  maxDeliver: 10,
  purpose,
});

const work = (kind: string, purpose: string): ConsumerDefinition =>
  consumer(`executor-${kind}`, streams.work, subjects.work(kind), purpose);

export const consumers = {
  plannerCommands: consumer(
    'planner-commands',
    streams.commands,
    'writ.command.directive.>',
    'decides directive commands',
  ),
  plannerSchedules: consumer(
    'planner-schedules',
    streams.commands,
    'writ.command.schedule.>',
    'decides schedule commands',
  ),
  plannerRules: consumer(
    'planner-rules',
    streams.commands,
    'writ.command.rule.>',
    'decides rule commands',
  ),
  plannerRuns: consumer(
    'planner-runs',
    streams.events,
    'writ.event.run.*.RunEnded',
    'judges a step when its run has ended',
  ),
  plannerEvaluations: consumer(
    'planner-evaluations',
    streams.events,
    'writ.event.evaluation.*.EvaluationCompleted',
    'judges a step when its run is evaluated',
  ),
  plannerWorkspaces: consumer(
    'planner-workspaces',
    streams.events,
    'writ.event.workspace.>',
    'goes on when a workspace is prepared or a step is merged',
  ),
  // One for each kind of work: long programs hold no place of what is answered at once.
  executorEcho: work('echo', 'runs echo steps'),
  executorProgram: work('program', 'runs program steps'),
  executorShell: work('shell', 'runs shell steps'),
  executorHttp: work('http', 'carries out http steps'),
  executorWorker: work('worker', 'hands worker steps to workers'),
  executorWorkspace: work('workspace', 'prepares workspaces and merges steps into them'),
  verifierEvaluations: consumer(
    'verifier-evaluations',
    streams.work,
    'writ.evaluate.>',
    'evaluates runs',
  ),
} as const satisfies Record<string, ConsumerDefinition>;

/**
 * Workers of one name share one queue. It is made by whoever has work for them; they take from it,
 * one piece at a time.
 */
export const workerQueue = (name: string): ConsumerDefinition => ({
  name: `worker-${name}`,
  stream: streams.workers.name,
  subject: subjects.workerWork(name),
  ackWaitMs: 10_000,
  maxDeliver: 10,
  purpose: `work for the worker ${name}`,
});

/** Larger payloads travel by digest: the header `ce-dataref` names the bytes, the body is empty. */
export const MAX_INLINE_BYTES = 64 * 1024;

/** The header in which a sender of a command names the subject of the answer. */
export const REPLY_TO_HEADER = 'writ-reply-to';
