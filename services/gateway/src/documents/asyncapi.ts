/** The AsyncAPI 3 document: every subject on NATS with its messages, from the table of subjects. */
import {
  type DirectiveVerb,
  directiveCommands,
  directiveEvents,
  directiveVerbs,
  EvaluateWork,
  evaluationEvents,
  LogPiece,
  manifestEvents,
  queries,
  rebuildQuery,
  REPLY_TO_HEADER,
  runEvents,
  ruleCommands,
  ruleEvents,
  ruleVerbs,
  scheduleCommands,
  scheduleEvents,
  scheduleVerbs,
  RunWork,
  streams,
  subjects,
  WorkerCancel,
  WorkerMessage,
  WorkerWork,
  workspaceEvents,
  WorkspaceWork,
} from '@writ/contracts';
import { z } from 'zod';

import { VERSION } from '../version';
import { jsonSchema } from './openapi';

interface Message {
  readonly name: string;
  readonly title: string;
  readonly payload: z.ZodType;
}

interface Channel {
  readonly id: string;
  readonly address: string;
  readonly description: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly messages: readonly Message[];
  /** What Writ does with it; a client does the other. */
  readonly action: 'receive' | 'send';
  /** The channel on which an answer comes, at the address in that header or reply subject. */
  readonly answered?: true;
}

const events = {
  directive: { schemas: directiveEvents, writer: 'planner' },
  schedule: { schemas: scheduleEvents, writer: 'planner' },
  rule: { schemas: ruleEvents, writer: 'planner' },
  run: { schemas: runEvents, writer: 'executor' },
  evaluation: { schemas: evaluationEvents, writer: 'verifier' },
  workspace: { schemas: workspaceEvents, writer: 'executor' },
  manifest: { schemas: manifestEvents, writer: 'manifest' },
} as const;

export const eventAggregates = events;

export function channelTable(): Channel[] {
  return [
    ...commandChannels(),
    ...workChannels(),
    ...workerChannels(),
    ...eventChannels(),
    ...queryChannels(),
    ...liveChannels(),
  ];
}

function commandChannels(): Channel[] {
  return [...directiveCommandChannels(), ...scheduleCommandChannels(), ...ruleCommandChannels()];
}

function ruleCommandChannels(): Channel[] {
  return ruleVerbs.map((verb) => ({
    id: `command-rule-${verb}`,
    address: subjects.ruleCommand(verb),
    description: `Command to the planner, through ${streams.commands.name}. ce-id is the command id; with the header ${REPLY_TO_HEADER} it is answered.`,
    messages: [{ name: `${verb}Rule`, title: `${verb} a rule`, payload: ruleCommands[verb] }],
    action: 'receive' as const,
    answered: true as const,
  }));
}

function scheduleCommandChannels(): Channel[] {
  return scheduleVerbs.map((verb) => ({
    id: `command-schedule-${verb}`,
    address: subjects.scheduleCommand(verb),
    description: `Command to the planner, through ${streams.commands.name}. ce-id is the command id; with the header ${REPLY_TO_HEADER} it is answered.`,
    messages: [
      { name: `${verb}Schedule`, title: `${verb} a schedule`, payload: scheduleCommands[verb] },
    ],
    action: 'receive' as const,
    answered: true as const,
  }));
}

function directiveCommandChannels(): Channel[] {
  return directiveVerbs.map((verb: DirectiveVerb) => ({
    id: `command-${verb}`,
    address: subjects.command(verb),
    description: `Command to the planner, through ${streams.commands.name}. ce-id is the command id; with the header ${REPLY_TO_HEADER} it is answered.`,
    messages: [
      { name: `${verb}Directive`, title: `${verb} a directive`, payload: directiveCommands[verb] },
    ],
    action: 'receive' as const,
    answered: true as const,
  }));
}

function workChannels(): Channel[] {
  const work = (
    id: string,
    address: string,
    title: string,
    payload: z.ZodType,
    extra = {},
  ): Channel => ({
    id,
    address,
    description: `Through ${streams.work.name}; rung again from the log while it is due.`,
    messages: [{ name: title.replace(/\W+/g, ''), title, payload }],
    action: 'send',
    ...extra,
  });
  const adapter = {
    parameters: { adapter: 'Kind of the adapter: program, shell, echo, http, worker.' },
  };
  return [
    work('work-step', subjects.work('{adapter}'), 'Run Work', RunWork, adapter),
    work('work-workspace', subjects.work('workspace'), 'Workspace Work', WorkspaceWork),
    work('evaluate-run', subjects.evaluate('run'), 'Evaluate Work', EvaluateWork),
  ];
}

function workerChannels(): Channel[] {
  const name = { name: 'Name of the worker.' };
  const ofRun = { ...name, runId: 'The run.' };
  return [
    {
      id: 'worker-work',
      address: subjects.workerWork('{name}'),
      description: `To whichever worker of this name is free, through ${streams.workers.name} and its consumer "worker-{name}"; plain JSON, whole.`,
      parameters: name,
      messages: [{ name: 'WorkerWork', title: 'Work for a worker', payload: WorkerWork }],
      action: 'send',
    },
    {
      id: 'worker-cancel',
      address: subjects.workerCancel('{name}', '{runId}'),
      description: 'The work is not wanted any more: core NATS, may be missed.',
      parameters: ofRun,
      messages: [{ name: 'WorkerCancel', title: 'Cancellation', payload: WorkerCancel }],
      action: 'send',
    },
    {
      id: 'worker-says',
      address: subjects.workerSays('{name}', '{runId}', '{handing}'),
      description:
        'What a worker says about work that it was handed, on the "replyTo" of the work: request and reply. The answer is {ok: true} or {ok: false, code, message}.',
      parameters: { ...ofRun, handing: 'Which handing out of the work it is.' },
      messages: [{ name: 'WorkerMessage', title: 'Message of a worker', payload: WorkerMessage }],
      action: 'receive',
      answered: true,
    },
  ];
}

function eventChannels(): Channel[] {
  return Object.entries(events).flatMap(([aggregate, { schemas, writer }]) =>
    Object.entries(schemas).map(([type, payload]) => ({
      id: `event-${aggregate}-${type}`,
      address: subjects.event(aggregate, '{id}', type),
      description: `Written by the ${writer}, kept in the log; passes through ${streams.events.name}.`,
      parameters: { id: `The stream without its prefix "${aggregate}-".` },
      messages: [{ name: type, title: type, payload: payload as z.ZodType }],
      action: 'send' as const,
    })),
  );
}

function queryChannels(): Channel[] {
  const rebuilds = (['planner', 'executor', 'verifier', 'manifest'] as const).map(rebuildQuery);
  return [...Object.values(queries), ...rebuilds].map(({ service, name, schema }) => ({
    id: `query-${service}-${name}`,
    address: subjects.query(service, name),
    description: `Question to the ${service}: request and reply over core NATS, kept nowhere.`,
    messages: [{ name: `${service}-${name}`, title: `${name}?`, payload: schema as z.ZodType }],
    action: 'receive' as const,
    answered: true as const,
  }));
}

function liveChannels(): Channel[] {
  return [
    {
      id: 'log-run',
      address: subjects.log('{runId}'),
      description:
        'Live output of a run: core NATS, pieces may be missing; the transcript has all.',
      parameters: { runId: 'The run.' },
      messages: [{ name: 'LogPiece', title: 'Piece of output', payload: LogPiece }],
      action: 'send',
    },
    {
      id: 'dead-letters',
      address: subjects.dead('{reason}'),
      description: `What could not be handled, in ${streams.dead.name}.`,
      parameters: { reason: 'malformed, rejected, exhausted or unknown-subject.' },
      messages: [
        {
          name: 'DeadLetter',
          title: 'Dead letter',
          payload: z.looseObject({ reason: z.string() }),
        },
      ],
      action: 'send',
    },
  ];
}

export function asyncApiDocument(): object {
  const channels: Record<string, object> = { answers: ANSWERS };
  const operations: Record<string, object> = {};
  for (const channel of channelTable()) {
    channels[channel.id] = channelObject(channel);
    operations[`${channel.action}-${channel.id}`] = {
      action: channel.action,
      channel: { $ref: `#/channels/${channel.id}` },
      ...(channel.answered ? { reply: REPLY } : {}),
    };
  }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Writ on NATS',
      version: VERSION,
      description:
        'CloudEvents 1.0 in binary mode: attributes as ce-* headers, the data as JSON. Payloads over 64 KiB travel by digest (header ce-dataref).',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: { local: { host: '127.0.0.1:4222', protocol: 'nats' } },
    channels,
    operations,
  };
}

const ANSWERS = {
  address: null,
  description: 'Where the asker listens: its inbox.',
  messages: {
    answer: {
      title: 'Answer',
      payload: { description: 'The answer, or {error: {code, message, details}}.' },
    },
  },
};

const REPLY = {
  address: { location: '$message.header#/reply-to', description: 'The reply subject.' },
  channel: { $ref: '#/channels/answers' },
};

const HEADERS = {
  type: 'object',
  properties: Object.fromEntries(
    [
      'ce-id',
      'ce-type',
      'ce-source',
      'ce-subject',
      'ce-time',
      'ce-correlationid',
      'traceparent',
    ].map((name) => [name, { type: 'string' }]),
  ),
};

function channelObject({ address, description, parameters, messages }: Channel): object {
  const described = Object.entries(parameters ?? {}).map(([name, it]) => [
    name,
    { description: it },
  ]);
  return {
    address,
    description,
    ...(described.length === 0 ? {} : { parameters: Object.fromEntries(described) }),
    messages: Object.fromEntries(
      messages.map(({ name, title, payload }) => [
        name,
        { name, title, headers: HEADERS, payload: jsonSchema(payload, 'input') },
      ]),
    ),
  };
}
