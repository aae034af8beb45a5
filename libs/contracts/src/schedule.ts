/**
 * The schedule aggregate in words: what makes a directive again and again, by the clock or by messages
 * of others. The planner is its only writer; `domain/schedule.ts` decides.
 */
import { z } from 'zod';
import { DirectiveFile, Reason } from './directive-file';
import { Digest, DirectiveId, ScheduleId } from './ids';

export const scheduleVerbs = ['create', 'pause', 'resume', 'remove', 'fire'] as const;
export type ScheduleVerb = (typeof scheduleVerbs)[number];

/** Bytes of a message that may become `${event}`. */
export const EVENT_LIMIT = 32 * 1024;

/** Variables that a schedule fills in itself, so that a directive need not declare them. */
export const SCHEDULE_VARIABLES = { time: 'scheduledFor', event: 'event' } as const;

/** Five fields, or six with seconds first, or a nickname; what they may hold the planner says. */
export const CronExpression = z
  .string()
  .max(200)
  .regex(
    /^(@[a-z]+|[0-9A-Za-z*,/#-]+( [0-9A-Za-z*,/#-]+){4,5})$/,
    'is not a cron expression; write five fields such as "0 6 * * *", or six with seconds first',
  );

const WRITS_OWN = /^(writ$|\$|_INBOX)/;

/** What is wrong with a subject filter, as a sentence; undefined when nothing is. */
function faultOfFilter(filter: string): string | undefined {
  const tokens = filter.split('.');
  const plain = tokens.every((token, at) => {
    if (token === '>') return at === tokens.length - 1;
    return token === '*' || /^[!-)+-=?-~]+$/.test(token);
  });
  if (!plain) return 'is not a subject filter; write it as orders.>, orders.*.paid or orders.paid';
  const [first = ''] = tokens;
  if (first === '>' || first === '*') {
    return 'begins with a wildcard, which would hear Writ itself; begin with a name';
  }
  if (WRITS_OWN.test(first)) return 'is on subjects of Writ or of the server (writ, $..., _INBOX)';
  return undefined;
}

export const SubjectFilter = z
  .string()
  .min(1)
  .max(256)
  .superRefine((filter, context) => {
    const fault = faultOfFilter(filter);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  });

const VariableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'is not a variable name');
const JsonPointer = z
  .string()
  .max(1000)
  .regex(/^(\/([^~\0]|~[01])*)$/, 'is not a JSON pointer such as /order/id');

export const Trigger = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('cron'),
    cron: CronExpression,
    /** A name of the IANA time zone database. */
    timezone: z.string().min(1).max(100).default('UTC'),
  }),
  z.strictObject({
    kind: z.literal('subject'),
    subject: SubjectFilter,
    /** Variables of the directive, and where in the message their text or number stands. */
    variablesFrom: z
      .record(VariableName, JsonPointer)
      .refine((it) => Object.keys(it).length <= 50, 'names more than 50 variables')
      .default({}),
  }),
]);
export type Trigger = z.infer<typeof Trigger>;

/** What becomes of a firing while the directive of the one before has not ended. */
export const Overlap = z.enum(['skip', 'allow', 'buffer-one']);
export type Overlap = z.infer<typeof Overlap>;
/** Which of the times that passed while no planner was there are made up for. */
export const CatchUp = z.enum(['none', 'last', 'all']);
export type CatchUp = z.infer<typeof CatchUp>;

const ScheduleName = z
  .string()
  .min(1)
  .max(200)
  .refine((text) => !text.includes('\0'), 'holds a NUL byte');

const onSchedule = { scheduleId: ScheduleId };

/** The data of a command message, by verb: `writ.command.schedule.<verb>`. */
export const scheduleCommands = {
  create: z.strictObject({
    /** Default: made from the command id, so that a repeated create makes one schedule. */
    scheduleId: ScheduleId.optional(),
    /** Default: the title of the directive. */
    name: ScheduleName.optional(),
    trigger: Trigger,
    /** Default: `skip` for cron, `allow` for a subject. */
    overlap: Overlap.optional(),
    catchUp: CatchUp.default('last'),
    directive: DirectiveFile,
  }),
  pause: z.strictObject({ ...onSchedule, reason: Reason.optional() }),
  resume: z.strictObject(onSchedule),
  remove: z.strictObject({ ...onSchedule, reason: Reason.optional() }),
  /** Now, whatever its clock and its overlap say; `event` stands for the message. */
  fire: z.strictObject({ ...onSchedule, event: z.string().max(EVENT_LIMIT).optional() }),
} as const satisfies Record<ScheduleVerb, z.ZodType>;
export type ScheduleCommandData<V extends ScheduleVerb> = z.infer<(typeof scheduleCommands)[V]>;

export const ScheduleStatus = z.enum(['active', 'paused', 'removed']);
export type ScheduleStatus = z.infer<typeof ScheduleStatus>;

/** What makes a directive once: a time, a message, a person. */
export const Occurrence = z.object({
  by: z.enum(['cron', 'subject', 'hand']),
  /** The time of the expression; of a message or a person, when they were heard. */
  scheduledFor: z.string(),
  /** The same again is the same occurrence. */
  key: z.string(),
  variables: z.record(z.string(), z.string()),
});
export type Occurrence = z.infer<typeof Occurrence>;

export const SkipReason = z.enum(['overlap', 'missed', 'invalid', 'unreadable']);
export type SkipReason = z.infer<typeof SkipReason>;

/** Stored form: never rename; add a version. */
export const scheduleEvents = {
  ScheduleCreated: z.object({
    name: z.string(),
    trigger: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('cron'), cron: z.string(), timezone: z.string() }),
      z.object({
        kind: z.literal('subject'),
        subject: z.string(),
        variablesFrom: z.record(z.string(), z.string()),
        /** The JetStream stream that had these subjects at the creation; without one: core NATS. */
        stream: z.string().optional(),
      }),
    ]),
    overlap: Overlap,
    catchUp: CatchUp,
    /** The directive file, with its variables not replaced; read by its schema when it fires. */
    directive: z.looseObject({ title: z.string() }),
    contentDigest: Digest,
  }),
  SchedulePaused: z.object({ reason: z.string().optional() }),
  ScheduleResumed: z.object({}),
  ScheduleRemoved: z.object({ reason: z.string().optional() }),
  /** The directive is made by the ordinary command, under that id. */
  ScheduleFired: Occurrence.extend({ directiveId: DirectiveId, commandId: z.string() }),
  /** It waits for the end of the directive before it. */
  ScheduleBuffered: Occurrence,
  ScheduleSkipped: z.object({
    by: Occurrence.shape.by,
    scheduledFor: z.string(),
    /** Of several: the first. */
    from: z.string().optional(),
    key: z.string(),
    reason: SkipReason,
    message: z.string(),
  }),
  /** The directive of a firing was refused after all. */
  ScheduleDirectiveRefused: z.object({
    directiveId: DirectiveId,
    code: z.string(),
    message: z.string(),
  }),
} as const;
export type ScheduleEventType = keyof typeof scheduleEvents;
export type ScheduleEventData<T extends ScheduleEventType> = z.infer<(typeof scheduleEvents)[T]>;
export type ScheduleEvent = {
  [T in ScheduleEventType]: { readonly type: T; readonly data: ScheduleEventData<T> };
}[ScheduleEventType];
export type ScheduleTrigger = ScheduleEventData<'ScheduleCreated'>['trigger'];

const FiringDocument = z.object({
  by: Occurrence.shape.by,
  scheduledFor: z.string(),
  directiveId: DirectiveId,
  at: z.string(),
  /** Why there is no such directive. */
  refused: z.string().optional(),
});
const SkipDocument = z.object({
  by: Occurrence.shape.by,
  scheduledFor: z.string(),
  from: z.string().optional(),
  reason: SkipReason,
  message: z.string(),
  at: z.string(),
});

/** `writ schedule list`: a contract with users (FORMATS). */
export const ScheduleSummary = z.object({
  id: ScheduleId,
  name: z.string(),
  status: ScheduleStatus,
  reason: z.string().nullable(),
  trigger: scheduleEvents.ScheduleCreated.shape.trigger,
  overlap: Overlap,
  catchUp: CatchUp,
  createdAt: z.string(),
  createdBy: z.string(),
  fired: z.number().int(),
  skipped: z.number().int(),
  lastFired: FiringDocument.nullable(),
  lastSkipped: SkipDocument.nullable(),
  version: z.number().int(),
  position: z.number().int(),
});
export type ScheduleSummary = z.infer<typeof ScheduleSummary>;

/** `writ schedule show` */
export const ScheduleDocument = ScheduleSummary.extend({
  directive: z.unknown(),
  /** The newest last. */
  firings: z.array(FiringDocument),
  waiting: z.object({ scheduledFor: z.string() }).nullable(),
  /** Of a cron expression that is not paused: its next times. */
  next: z.array(z.string()),
  /** Of a subject: where it is heard, or why it is not. */
  listening: z.string().nullable(),
});
export type ScheduleDocument = z.infer<typeof ScheduleDocument>;
